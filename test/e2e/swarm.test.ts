/** A swarm of three hosts on a network segment of their own, from blank hosts on. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startAgent, type Agent } from "../lab/agent.ts";
import { addressOf, startSegment } from "../lab/demo/segment-site.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";

const stack = "lab-swarm";
const names = ["swarm-a", "swarm-b", "swarm-c"] as const;
let lab: Lab;
let guests: readonly Guest[];
let agent: Agent;
let env: Readonly<Record<string, string>>;

before(async () => {
  lab = await prepareLab();
  guests = await startSegment(names, container("/data"));
  agent = await startAgent(guests[0]?.identityFile ?? "");
  env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  await writeSite();
  await freshStack(stack, env);
});

after(async () => {
  await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
  await removeStackFile(stack);
  for (const name of names) await removeGuest(name);
  await agent.stop();
});

async function writeSite(): Promise<void> {
  const site = await labSite(guests, lab.bundle);
  const addresses = Object.fromEntries(names.map((name, at) => [name, addressOf(at)]));
  Object.assign(site, {
    swarm: {
      ...{ name: "plant-1", managers: names.slice(0, 1), workers: { hosts: names.slice(1) }, addresses },
      addressPool: { base: "172.29.0.0/16" },
    },
  });
  await writeStack(stack, site);
}

async function on(name: (typeof names)[number], command: string): Promise<string> {
  const { stdout, stderr, exitCode } = (await guests[names.indexOf(name)]?.exec(`sudo -n ${command}`)) ?? {
    stdout: "",
    stderr: "no guest",
    exitCode: 1,
  };
  assert.equal(exitCode, 0, `${command}: ${stderr}`);
  return stdout.trim();
}

const run = (verb: string, ...args: string[]): Promise<PulumiRun> =>
  pulumi([verb, "--stack", stack, ...args], { env });

async function succeeds(verb: string, ...args: string[]): Promise<string> {
  const { exitCode, output } = await run(verb, ...args);
  assert.equal(exitCode, 0, output);
  return output;
}

describe("a swarm", () => {
  test("one pulumi up from blank hosts: every host is a member", async () => {
    const preview = await succeeds("preview");
    assert.match(preview, /swarm\.member: found: the host is a member of no swarm/);
    await succeeds("up", "--yes", "--skip-preview");
    const nodes = await on("swarm-a", "docker node ls --format '{{.Status}} {{.ManagerStatus}}'");
    assert.deepEqual(
      nodes
        .split("\n")
        .map((line) => line.trim())
        .toSorted(),
      ["Ready", "Ready", "Ready Leader"],
    );
  });

  test("a second run changes nothing", async () => {
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  test("no join token is in the state, in an output or in a log", async () => {
    const token = await on("swarm-a", "docker swarm join-token --quiet worker");
    assert.match(token, /^SWMTKN-1-/);
    const exported = await succeeds("stack", "export");
    assert.doesNotMatch(exported, /SWMTKN/);
  });
});
