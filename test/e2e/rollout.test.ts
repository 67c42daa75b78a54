import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Receipt } from "../../modules/receipt/receipt.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import type { PulumiRun } from "../lab/pulumi/pulumi.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { labSite, labUser, writeStack, type LabSite } from "../lab/pulumi/stack.ts";
import { startProvisionedGuest, startProvisionedSite } from "../support/guests/provisioned-site.ts";
import { runProcess } from "../support/process/run-process.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Two converged hosts in one stack: which changes first, which waits, and what a closed gate prevents. */
describe("waves", () => {
  let site: SiteUnderTest;
  let second: Guest;
  const undo = undoAfter();
  before(async () => {
    site = await startProvisionedSite("wave-a");
    undo(() => site.end());
    second = await startProvisionedGuest("wave-b");
    undo(() => second.stop());
    receipts = await mkdtemp(cachePath("test", "receipts-"));
    undo(() => rm(receipts, { recursive: true }));
    ({ file: key } = await ensureSigningKey(join(receipts, "key")));
  });
  after(async () => {
    await removeGuest("wave-b");
  });

  let [receipts, key] = ["", ""];
  /** What the last run has left, as somebody reads it who has the keys that may sign. */
  const lastReceipt = async (): Promise<string> => {
    const names = (await readdir(receipts)).filter((name) => name.endsWith(".json")).toSorted();
    const file = join(receipts, names.at(-1) ?? "");
    assert.match(await readFile(file.replace(/json$/, "html"), "utf8"), /<title>lab-wave-a: /);
    const signers = join(receipts, "signers");
    await writeFile(signers, `plant namespaces="sealift-receipt" ${await readFile(`${key}.pub`, "utf8")}`);
    const words = ["receipt", "verify", file, "--allowed-signers", signers];
    const { stdout, stderr } = await runProcess(process.execPath, [
      join(checkout, "cli", "sealift.js"),
      ...words,
    ]);
    assert.match(
      stdout,
      /^lab-wave-a, .*: receipt \d+, .*, signed by plant; bundle serial 1, signed by lab@sealift\n/,
      stderr,
    );
    return stdout;
  };
  const gate = "test ! -e /etc/not-well";
  const write = async (level: string, more: (text: LabSite) => void = () => undefined): Promise<void> => {
    const text = await labSite([site.guest, second], site.lab.bundle);
    text.daemon["log-level"] = level;
    Object.assign(text, { rollout: { waves: [1], gate }, receipt: { directory: receipts, key } });
    more(text);
    await writeStack("lab-wave-a", text);
  };
  const levels = async (): Promise<string[]> => {
    const read = 'grep -o \'"log-level": "[a-z]*"\' /etc/docker/daemon.json';
    const both = await Promise.all([site.guest, second].map((guest) => guest.exec(read)));
    return both.map(({ stdout }) => /: "([a-z]*)"/.exec(stdout)?.[1] ?? "");
  };
  const succeeds = async (run: Promise<PulumiRun>): Promise<string> => {
    const { exitCode, output } = await run;
    assert.equal(exitCode, 0, output);
    return output;
  };

  test("a second host joins, and nothing changes on it", async () => {
    await write("info");
    await succeeds(site.up());
    assert.deepEqual(await levels(), ["info", "info"]);
    assert.match(
      await lastReceipt(),
      /^wave-a .* reports: \d+ hold .*\nwave-b .* reports: \d+ hold +0 changed$/m,
    );
  });

  test("a receipt says what an auditor asks: who ran it, who has root access, which images run", async () => {
    const text = await lastReceipt();
    assert.match(text, /^run by \S+ on \S+ with Sealift \d+\.\d+\.\d+, site /m);
    assert.match(text, /^wave-a .* (\d+) of \1 pinned files present /m);
    const names = (await readdir(receipts)).filter((name) => name.endsWith(".json")).toSorted();
    const { hosts } = JSON.parse(await readFile(join(receipts, names.at(-1) ?? ""), "utf8")) as Receipt;
    for (const { statement } of hosts) {
      const { docker = [], sudo = [], unchecked } = statement.access ?? {};
      assert.ok(docker.includes(labUser), docker.join());
      const own = sudo.find(({ user }) => user === site.guest.login);
      assert.match(own?.rules ?? "", /ALL/);
      assert.equal(unchecked, 0);
      assert.deepEqual(statement.images, { running: [], more: 0 });
    }
  });

  test("a gate that stays closed: the first host has changed, the second has not started, and the error says so", async () => {
    await site.onHost("sudo -n touch /etc/not-well");
    await write("warn");
    const { exitCode, output } = await site.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /wave-a: E_GATE gate\.command: found: the gate command exited with code 1/);
    assert.match(output, /rollout: E_GATE wave-a: .*not started: wave-b/);
    assert.deepEqual(await levels(), ["warn", "info"]);
    assert.match(
      await lastReceipt(),
      /^wave-a .* reports: \d+ hold +\d changed\nwave-b .* reports: \d+ hold, \d does not hold +0 changed$/m,
    );
  });

  test("with the gate open again, the rollout continues with the remaining host", async () => {
    await site.onHost("sudo -n rm /etc/not-well");
    await succeeds(site.up());
    assert.deepEqual(await levels(), ["warn", "warn"]);
    await succeeds(site.pulumi("preview", "--expect-no-changes"));
  });

  test("drift on a host that the run excludes fails the run, and does not stop the others", async () => {
    await site.onHost("sudo -n gpasswd -d deploy docker");
    await second.exec("sudo -n gpasswd -d deploy docker");
    const { exitCode, output } = await site.pulumi(
      "up",
      "--yes",
      "--skip-preview",
      "--target",
      "**wave-b-users-run",
    );
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /wave-a: E_FACT users\.deploy\.docker: found: not a member; .*; fix: run pulumi up without --target and --exclude/,
    );
    assert.match((await second.exec("id deploy")).stdout, /\(docker\)/);
    assert.doesNotMatch(await site.onHost("id deploy"), /\(docker\)/);
    await succeeds(site.up());
  });

  test("another order of the same hosts changes no resource", async () => {
    await write("warn", (text) => Object.assign(text, { rollout: { maxUnavailable: 1 } }));
    await succeeds(site.pulumi("preview", "--expect-no-changes"));
  });

  test("a host that does not answer does not stop the others; it can be removed from the site", async () => {
    const port = await silentPort();
    await write("error", ({ hosts }) => {
      hosts.unshift({ ...hosts[0], name: "gone", port });
    });
    const { exitCode, output } = await site.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /gone: E_HOST_UNREACHABLE/);
    assert.deepEqual(await levels(), ["error", "error"]);
    await write("error");
    await succeeds(site.up());
    await succeeds(site.pulumi("preview", "--expect-no-changes"));
  });
});
