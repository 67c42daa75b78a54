/** A program of a team's own makes a machine and provisions it in the same run: from nothing to a container, and back to nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { startAgent } from "../lab/agent.ts";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { checkout } from "../lab/cache.ts";
import { findGuest, removeGuest, type Guest } from "../lab/guest.ts";
import { ensureIdentity } from "../lab/identity.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { labSite, labUser } from "../lab/pulumi/stack.ts";
import { siteMachine } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startProgramProject, type ProgramProject } from "../support/pulumi/program-project.ts";
import { startListeningSshd, type ListeningSshd } from "../support/servers/listening-sshd.ts";

const name = "made";
let lab: Lab;
let project: ProgramProject;
const undo = undoAfter();
before(async () => {
  lab = await prepareLab();
  const { identityFile } = await ensureIdentity();
  const agent = await startAgent(identityFile);
  undo(() => agent.stop());
  // The machines' host: what starts there is asked for over ssh.
  const hypervisor = await startListeningSshd({ clientKeyFile: identityFile });
  undo(() => hypervisor.stop());
  project = await startProgramProject("made", { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket });
  undo(() => project.end());
  undo(() => removeGuest(name));
  await removeGuest(name);
  project.write(await program(hypervisor, identityFile));
});

async function program({ host, port, user, hostKey }: ListeningSshd, identityFile: string): Promise<string> {
  // Of a guest that is not there yet only what decides the site is known.
  const planned = { name, kind: siteMachine.kind, mounts: siteMachine.mounts, identityFile } as Guest;
  const { hosts, bundle, ...site } = await labSite([planned], lab.bundle);
  const paths = Object.fromEntries(Object.entries(bundle).map(([key, path]) => [key, join(checkout, path)]));
  const machine = `${process.execPath} ${join(checkout, "test", "lab", "machine-for-program.ts")}`;
  return `
import { remote } from "@pulumi/command";
import { provisionSite, type Site } from "@sealift@";
const machine = new remote.Command("machine", {
  connection: ${JSON.stringify({ host, port, user, hostKey })},
  create: "${machine} start ${name}",
  delete: "${machine} remove ${name}",
  logging: "none",
  addPreviousOutputInEnv: false,
});
const made = machine.stdout.apply((text) => JSON.parse(text) as { address: string; port: number; hostKey: string });
const site: Site = {
  ...${JSON.stringify({ ...site, bundle: paths })} as Omit<Site, "hosts">,
  hosts: [{
    name: "${name}",
    address: made.address,
    port: made.port,
    hostKey: made.hostKey,
    sshUser: "ops",
    architecture: "${String(hosts[0]?.["architecture"])}" as "amd64",
  }],
};
const { hosts } = await provisionSite(site);
export const context = hosts["${name}"]?.outputs.contexts["${labUser}"];
`;
}

async function pulumi(...args: readonly [string, ...string[]]): Promise<string> {
  const { exitCode, output } = await project.pulumi(...args);
  assert.equal(exitCode, 0, output);
  return output;
}

test("the preview shows the plan of a host whose machine does not exist, and makes none", async () => {
  const output = await pulumi("preview");
  assert.match(
    output,
    /made: E_OUTPUT (address|port|hostKey): found: an Output whose value this run does not know;/,
  );
  assert.match(output, /^ +daemon\.running: found: not probed; expected: .*; impact: containers stop$/m);
  assert.equal(await findGuest(name), undefined);
});

test("one update makes the machine and a Docker host of it; then nothing is left to do", async () => {
  const output = await pulumi("up", "--yes", "--skip-preview");
  const guest = await findGuest(name);
  assert.ok(guest, output);
  assert.match(output, new RegExp(`context: "ssh://${labUser}@127\\.0\\.0\\.1:${guest.port}"`));
  await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
});

test("a user who is not root runs a container on it", async () => {
  const guest = await findGuest(name);
  assert.ok(guest);
  const as = { login: labUser };
  const loaded = await guest.exec("docker load", { ...as, input: await imageArchive(lab.bundle) });
  assert.equal(loaded.exitCode, 0, loaded.stderr);
  const { stdout, stderr } = await guest.exec(`docker run --rm ${lab.bundle.image} echo hello`, as);
  assert.equal(stdout, "hello\n", stderr);
});

test("destroy removes the machine", async () => {
  await pulumi("destroy", "--yes", "--skip-preview");
  assert.equal(await findGuest(name), undefined);
});
