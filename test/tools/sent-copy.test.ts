/** The real Pulumi CLI and its command plugin send what was verified, from a copy of ours, whatever has happened to the bundle by then. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { startAgent } from "../lab/agent.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { installStandIn } from "../lab/command-plugin/install.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";
import type { ProcessResult } from "../support/process/run-process.ts";
import { sha256Of } from "../support/fixtures/sha256-of.ts";
import { type Sshd, startSshd } from "../support/servers/sshd.ts";
import { undoAfter } from "../support/process/undo.ts";

const text = "an engine, say\n";
const secret = "operator's key\n";
const sha256 = sha256Of(text);

let pulumi: PulumiFolder;
let sshd: Sshd;
let folder: string;
let env: Readonly<Record<string, string>>;
const undo = undoAfter();
before(async () => {
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
  await installStandIn(join(pulumi.directory, "home"), process.execPath);
  sshd = await startSshd();
  undo(() => sshd.stop());
  const agent = await startAgent(sshd.privateKeyFile);
  undo(() => agent.stop());
  env = { SSH_AUTH_SOCK: agent.socket };
  folder = pulumi.project("sent", program());
  // The paths in a state count from the checkout.
  symlinkSync(cachePath(), join(folder, ".cache"));
  writeFileSync(join(folder, "key"), secret);
});

/** One host that gets one blob, unless it has it. */
const program = (): string => `
import { blobDelivery } from "${checkout}/modules/core/host/delivery.ts";
import { Host } from "${checkout}/modules/core/pulumi/converge.ts";
import { exampleHost, library } from "${checkout}/test/support/fixtures/example-host.ts";

const spec = { ...exampleHost(), name: "a", address: "127.0.0.1", port: ${sshd.port}, sshUser: "${sshd.user}", hostKey: "${sshd.hostKey}" };
const blob = { sha256: "${sha256}", bytes: ${text.length}, path: "${join(folderOf(), "blob")}" };
const has = process.env.SENT_HAS === "1";
const steps = has ? ["library", "${sha256.slice(0, 12)}"].map((what) => ({ code: "delivery." + what, status: "ok", fact: "", found: "" })) : [];
const probe = { kind: "reached", report: { steps } };
new Host("a", { spec, library, blobs: [blobDelivery(blob)], probe, bundle: { serial: 1 } });
`;
const folderOf = (): string => join(pulumi.directory, "sent");
const arrived = (): string => join(sshd.home, ".sealift", "blobs", sha256);
/** The copies of a stack's run: the stacks of other tests have their own. */
const copies = (stack: string): string => cachePath("sent", sha256Of(stack).slice(0, 16));

async function up(stack: string, has = ""): Promise<ProcessResult> {
  const expected = has === "" ? [] : ["--expect-no-changes"];
  const args = ["up", "--yes", "--skip-preview", "--stack", stack, ...expected];
  return pulumi.run(folder, args, { ...env, SENT_HAS: has });
}

test("a link in place of a blob is not sent, and neither is its target", async () => {
  await pulumi.run(folder, ["stack", "init", "attacked"], env);
  symlinkSync(join(folder, "key"), join(folder, "blob"));
  const { exitCode, stdout, stderr } = await up("attacked");
  assert.notEqual(exitCode, 0, stdout);
  assert.match(stdout + stderr, /E_BUNDLE_DIGEST/);
  assert.equal(existsSync(arrived()), false, "it has arrived");
  unlinkSync(join(folder, "blob"));
});

test("what was verified is sent from a copy that is removed afterwards, and nothing is read if nothing is sent", async () => {
  await pulumi.run(folder, ["stack", "init", "honest"], env);
  writeFileSync(join(folder, "blob"), text);
  const first = await up("honest");
  assert.equal(first.exitCode, 0, first.stdout + first.stderr);
  assert.equal(readFileSync(arrived(), "utf8"), text);
  rmSync(join(folder, "blob"));
  const { exitCode, stdout } = await up("honest", "1");
  assert.equal(exitCode, 0, stdout);
  assert.equal(existsSync(copies("honest")), false, "a copy is left");
});
