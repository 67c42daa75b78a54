import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fingerprintOf } from "../../modules/environments/host-keys.ts";
import { checkout } from "../lab/cache.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

interface Exported {
  readonly deployment: {
    readonly secrets_providers: { readonly state: { readonly salt: string } };
    readonly resources: readonly { readonly type: string; readonly inputs?: unknown }[];
  };
}

/**
 * The state was exported from a run with an earlier version, whose shell, step codes, messages and library differ. Names and type tokens
 * of resources are part of each team's state: what this test finds changed, every team would see replaced.
 */
describe("a converged host, with the state that an earlier version left", () => {
  let site: SiteUnderTest;
  let folder = "";
  const undo = undoAfter();
  before(async () => {
    site = await startSite("older", siteMachine);
    undo(() => site.end());
    folder = await mkdtemp(join(tmpdir(), "sealift-older-"));
    undo(() => rm(folder, { recursive: true }));
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    await importState();
  });

  /** The lab's passphrase, engine, port and host key are not those of the export. */
  const importState = async (): Promise<void> => {
    const [now, older] = [join(folder, "now.json"), join(folder, "older.json")];
    await site.pulumi("stack", "export", "--file", now);
    const { deployment } = JSON.parse(await readFile(now, "utf8")) as Exported;
    const blob = deployment.resources
      .filter(({ type }) => type === "command:remote:CopyToRemote")
      .map(({ inputs }) => /\.sealift\/blobs\/([0-9a-f]{64})/.exec(JSON.stringify(inputs))?.[1] ?? "")
      .find((sha256) => sha256 !== "");
    assert.ok(blob);
    const { port, hostKey } = site.guest;
    const values = {
      '"@PORT@"': String(port),
      "@PORT@": String(port),
      "@SALT@": deployment.secrets_providers.state.salt,
      "@HOST_KEY@": hostKey,
      "@FINGERPRINT@": fingerprintOf(hostKey),
      "@BLOB@": blob,
      "@BLOB12@": blob.slice(0, 12),
    };
    const fixture = join(checkout, "test", "support", "fixtures", "state-of-the-first-layout.json");
    let text = await readFile(fixture, "utf8");
    for (const [place, value] of Object.entries(values)) text = text.replaceAll(place, value);
    await writeFile(older, text);
    const { exitCode, output } = await site.pulumi("stack", "import", "--file", older);
    assert.equal(exitCode, 0, output);
  };

  test("shows no change in a preview, and none in a run, although the host has no library of this version", async () => {
    // Only the `up` before the import has brought it.
    await site.onHost("rm .sealift/*.sh");
    for (const verb of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, output } = await site.pulumi(...verb, "--expect-no-changes");
      assert.equal(exitCode, 0, output);
      assert.match(output, / 12 unchanged/);
    }
  });

  test("a phase that this state lacks finds no library of this version, which the next run brings", async () => {
    const { output: resources } = await site.pulumi("stack", "--show-urns");
    const urn = /urn:pulumi:\S+::older-daemon-run$/m.exec(resources)?.[0] ?? "";
    assert.equal((await site.pulumi("state", "delete", urn, "--yes")).exitCode, 0, resources);
    const first = await site.up();
    assert.notEqual(first.exitCode, 0);
    assert.match(first.output, /E_LIBRARY_CHECKSUM run pulumi up again/);
    const second = await site.up();
    assert.equal(second.exitCode, 0, second.output);
  });

  test("and a fact that breaks later is repaired", async () => {
    await site.onHost("sudo gpasswd -d deploy docker");
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, / 1 updated/);
    assert.match(await site.onHost("id -nG deploy"), /docker/);
    const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });
});
