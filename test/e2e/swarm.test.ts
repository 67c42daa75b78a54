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
      ...{ name: "plant-1", managers: names, addresses, managersRunTasks: true },
      labels: { "swarm-b": { zone: "rack-2" } },
      networks: [{ name: "shared", mtu: 1400 }],
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
      ["Ready Leader", "Ready Reachable", "Ready Reachable"],
    );
    const zone = "docker node ls --quiet --filter node.label=zone=rack-2";
    const address = "docker node inspect --format '{{.ManagerStatus.Addr}}'";
    assert.equal(await on("swarm-c", `sh -c "${address} \\$(${zone})"`), "10.9.0.2:2377");
    assert.match(
      await on(
        "swarm-b",
        "docker network inspect --format '{{.Driver}} {{json .Options}} {{json .IPAM.Config}}' shared",
      ),
      /^overlay .*"com\.docker\.network\.driver\.mtu":"1400".*"172\.29\./,
    );
  });

  test("a second run changes nothing", async () => {
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  test("the token with which hosts have joined is not valid any more", async () => {
    await on("swarm-a", "test ! -e /run/sealift/swarm-invited");
    const exported = await succeeds("stack", "export", "--show-secrets");
    const [used] = /SWMTKN-1-[a-z0-9-]+/.exec(exported) ?? [];
    assert.ok(used !== undefined, "the state has the token as a secret");
    assert.notEqual(await on("swarm-a", "docker swarm join-token --quiet worker"), used);
  });

  test("what a person changes is drift by name, and is repaired by any manager", async () => {
    await on(
      "swarm-c",
      "sh -c 'docker node update --availability drain $(docker node ls -q -f node.label=zone=rack-2)'",
    );
    const preview = await succeeds("preview", "--diff");
    assert.match(preview, /cluster\.node\.swarm-b: found: .*drain/);
    await succeeds("up", "--yes", "--skip-preview");
    assert.match(
      await on("swarm-a", "sh -c 'docker node inspect --format {{.Spec.Availability}} $(docker node ls -q)'"),
      /^active\nactive\nactive$/,
    );
  });

  test("two of three managers whose engines are down are brought back by one run, although there is no quorum before it", async () => {
    for (const name of ["swarm-b", "swarm-c"] as const)
      await on(name, "systemctl stop docker.socket docker.service");
    await succeeds("up", "--yes", "--skip-preview");
    assert.equal(
      await on(
        "swarm-a",
        "sh -c 'docker node inspect --format {{.ManagerStatus.Reachability}} $(docker node ls -q)'",
      ),
      "reachable\nreachable\nreachable",
    );
    // Some seconds pass until the swarm notices that a member is back.
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  test("no join token is in the state, in an output or in a log", async () => {
    const token = await on("swarm-a", "docker swarm join-token --quiet worker");
    assert.match(token, /^SWMTKN-1-/);
    const exported = await succeeds("stack", "export");
    assert.doesNotMatch(exported, /SWMTKN/);
  });
});
