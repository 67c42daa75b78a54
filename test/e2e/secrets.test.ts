/**
 * Secrets of an application with the whole program: `sealift secret`, preview, update, drift and its repair, a boot without an operator; and
 * their plaintext in nothing that any of these leaves.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { before, describe, test } from "node:test";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { restartGuest } from "../lab/guest.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { startSite, siteMachine, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const password = "not-to-be-guessed-PLAINTEXT";

describe("secrets of a site", () => {
  let site: SiteUnderTest;
  let folder: string;
  let file: string;
  /** What all runs have printed. */
  let printed = "";
  const undo = undoAfter();
  before(async () => {
    await useTools();
    site = await startSite("secrets-site", siteMachine, "apps");
    undo(() => site.end());
    folder = await mkdtemp(cachePath("test", "secrets-site-"));
    undo(() => rm(folder, { recursive: true }));
    file = relative(checkout, join(folder, "db.age"));
    const { stderr } = spawnSync("age-keygen", ["-o", join(folder, "recovery.key")], { encoding: "utf8" });
    const recoveryKey = /age1\S+/.exec(stderr)?.[0] ?? "";
    const { file: key } = await ensureSigningKey(join(folder, "key"));
    await site.write((text) => {
      text.daemon["features"] = { "containerd-snapshotter": true };
      Reflect.deleteProperty(text.daemon, "storage-driver");
      Object.assign(text.engine, { compose: site.lab.bundle.plugins.compose });
      Object.assign(text, {
        secrets: { age: site.lab.bundle.age, recoveryKey },
        receipt: { directory: folder, key },
        apps: [
          {
            ...{ name: "shop", version: "1.0.0", values: { SHOP_GREETING: "Good day" } },
            secrets: { db_password: { file, owner: "999:999", mode: "0444" } },
            update: { monitor: "5s", timeout: "2m" },
          },
        ],
      });
    });
  });

  const root = (command: string): Promise<string> => site.onHost(`sudo -n sh -c '${command}'`);
  const pulumi = async (works: boolean, ...args: readonly string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi(...args);
    assert.equal(exitCode === 0, works, output);
    printed += output;
    return output;
  };
  const up = (...more: readonly string[]): Promise<string> =>
    pulumi(true, "up", "--yes", "--skip-preview", "--diff", ...more);
  const secret = (args: readonly string[], input?: string): string => {
    const words = [join(checkout, "cli", "main.ts"), "secret", ...args];
    const options = { cwd: checkout, encoding: "utf8", ...(input === undefined ? {} : { input }) } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, words, options);
    assert.equal(status, 0, stderr);
    printed += stdout + stderr;
    return stdout;
  };
  const edit = (): string =>
    secret(["edit", file, "--env", "lab-secrets-site", "--app", "shop", "--stdin"], password);
  const open = "/run/sealift/secrets/shop";

  test("without its file the preview is refused; nothing is changed on the host", async () => {
    const refused = await pulumi(false, "preview");
    assert.match(
      refused,
      /E_SECRET_FILE \S+db\.age: found: no such file; .* fix: sealift secret edit \S+db\.age --env lab-secrets-site --app shop/,
    );
    assert.equal(await site.onHost("ls -A .sealift 2>/dev/null || true"), "");
  });

  test("one run, and the application has it; a second run changes nothing", async () => {
    assert.match(edit(), /db\.age: encrypted for secrets-site and the recovery key\n/);
    const found = await pulumi(true, "preview", "--diff");
    assert.match(
      found,
      /secrets\.shop\.db_password: found: .*; expected: secret db_password of shop is decrypted in memory/,
    );
    await up();
    assert.equal(await root(`stat -c "%u:%g %a" ${open}/db_password.*`), "999:999 444\n");
    const web = await site.onHost(
      "curl -fsS --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/version",
    );
    assert.match(web, /^1\.0\.0/);
    await up("--expect-no-changes");
  });

  test("what somebody changed is drift by name, and is repaired without stopping anything", async () => {
    const running = await root("docker ps --quiet --no-trunc");
    const changes: readonly [string, RegExp][] = [
      [
        `chown 0:0 ${open}/db_password.*`,
        /db_password\.\w{8} has owner and mode 0:0 444 instead of 999:999 444/,
      ],
      [`printf x >>$(ls ${open}/db_password.*)`, /db_password\.\w{8} has other content/],
      [`rm -r ${open}`, /\/run\/sealift\/secrets\/shop is absent/],
    ];
    for (const [command, finding] of changes) {
      await root(command);
      const found = await pulumi(true, "preview", "--diff");
      assert.match(
        found,
        new RegExp(`secrets\\.shop\\.db_password: found: .*${finding.source}; .*impact: none`),
      );
      await up();
      await up("--expect-no-changes");
    }
    assert.equal(await root("docker ps --quiet --no-trunc"), running);
  });

  test("another key where the host has its own is refused", async () => {
    const key = "/etc/ssh/ssh_host_ed25519_key";
    await root(
      `mv ${key} ${key}.kept && ssh-keygen -q -t ed25519 -N "" -f ${key}.other && mv ${key}.other ${key}`,
    );
    assert.match(await pulumi(false, "preview"), /E_SECRET_DECRYPT secrets\.key: found: .* is another key: /);
    // The machine loses its power below.
    await root(`mv ${key}.kept ${key} && sync`);
    await up("--expect-no-changes");
  });

  test("after a boot without an operator everything is there", async () => {
    await site.guest.kill();
    site.guest = await restartGuest("secrets-site", "off");
    const web = await site.onHost(
      "curl -fsS --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/version",
    );
    assert.match(web, /^1\.0\.0/);
    const times =
      "systemctl show -P ExecMainExitTimestampMonotonic sealift-secrets; systemctl show -P ExecMainStartTimestampMonotonic docker";
    const [opened = 0, engine = 0] = (await root(times)).trim().split("\n").map(Number);
    assert.ok(opened > 0 && opened < engine, `${opened} ${engine}`);
  });

  test("the plaintext is in no output, state, plan, receipt, journal, log or file of a disk", async () => {
    const state = await site.pulumi("stack", "export", "--show-secrets");
    assert.match(state.output, /secrets\.shop\.db_password/);
    const receipts = (await readdir(folder)).filter((name) => /\.(json|html)$/.test(name));
    assert.notDeepEqual(receipts, []);
    const texts = await Promise.all(receipts.map((name) => readFile(join(folder, name), "utf8")));
    const all = {
      printed,
      state: state.output,
      receipts: texts.join(""),
      journal: await root("cat /var/lib/sealift/journal"),
      log: await root("journalctl --sync; journalctl --no-pager -a -o cat"),
      processes: await root("ps axwwe"),
      file: await readFile(join(checkout, file), "utf8"),
    };
    for (const [where, text] of Object.entries(all)) assert.ok(!text.includes(password), where);
    await site.guest.exec("sudo -n tee /run/words", { input: password });
    assert.equal(
      await root(
        "grep -arlF -f /run/words /etc /home /opt /root /svc /usr/local /var --exclude-dir=docker; true",
      ),
      "",
    );
  });
});
