/**
 * Runs that create a swarm and are cut: the engine of one member is killed with -9 at a random moment, and with it what a run does there; or
 * the power of one member, at each step of the way. The next run makes the same swarm whole, and no member is in another one.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgent, type Agent } from "../lab/agent.ts";
import { addressOf } from "../lab/demo/segment-site.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { joinSegment, type Segment } from "../lab/guest-segment.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";

const kills = Number(process.env["SEALIFT_KILLS"] ?? "3");
const rounds = Number(process.env["SEALIFT_CUTS"] ?? "1");
const stack = "lab-swarm-killed";
const names = ["killed-a", "killed-b", "killed-c"] as const;
let lab: Lab;
let guests: readonly Guest[];
let segment: Segment;
let agent: Agent;
let env: Readonly<Record<string, string>>;

before(async () => {
  lab = await prepareLab();
  for (const name of names) await removeGuest(name);
  guests = await Promise.all(names.map((name) => startGuest({ name, machine: container("/data") })));
  const [first, ...others] = guests.map((guest, at) => ({ guest, address: `${addressOf(at)}/24` }));
  assert.ok(first);
  segment = await joinSegment(first, ...others);
  await segment.waitAtBoot();
  agent = await startAgent(first.guest.identityFile);
  env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  await writeSite();
  await freshStack(stack, env);
});

async function writeSite(): Promise<void> {
  const site = await labSite(guests, lab.bundle);
  const addresses = Object.fromEntries(names.map((name, at) => [name, addressOf(at)]));
  const addressPool = { base: "172.29.0.0/16" };
  const networks = [{ name: "shared", mtu: 1400 }];
  Object.assign(site, {
    swarm: { name: "plant-1", managers: names, addresses, addressPool, networks, ingress: { mtu: 1400 } },
  });
  await writeStack(stack, site);
}

after(async () => {
  await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
  await removeStackFile(stack);
  for (const name of names) await removeGuest(name);
  await agent.stop();
});

const up = (...words: string[]): Promise<PulumiRun> =>
  pulumi(["up", "--yes", "--skip-preview", "--stack", stack, ...words], { env });

async function on(at: number, input: string): Promise<string> {
  const { stdout, stderr, exitCode } = (await guests[at]?.exec("sudo -n sh -s", { input })) ?? {
    ...{ stdout: "", stderr: "no guest", exitCode: 1 },
  };
  assert.equal(exitCode, 0, `${input}: ${stderr}`);
  return stdout.trim();
}

/** Every host is a manager of one swarm of this name, and no token that was handed out is left. */
async function isWhole(): Promise<void> {
  const { exitCode, output } = await up();
  assert.equal(exitCode, 0, output);
  const unchanged = await up("--expect-no-changes");
  assert.equal(unchanged.exitCode, 0, unchanged.output);
  const seen = await Promise.all(
    names.map((_, at) =>
      on(
        at,
        "cat /data/docker/swarm/certificates/swarm-root-ca.crt; docker node ls --format '{{.Status}} {{.ManagerStatus}}' | sort",
      ),
    ),
  );
  assert.equal(new Set(seen).size, 1, seen.join("\n"));
  assert.match(seen[0] ?? "", /Ready Leader\nReady Reachable\nReady Reachable$/);
  await on(0, "test ! -e /run/sealift/swarm-invited && test ! -e /var/lib/sealift/swarm-creating");
}

/** As new hosts with an engine. */
async function leave(): Promise<void> {
  for (const at of names.keys())
    await on(at, "docker swarm leave --force >/dev/null 2>&1 || true; rm -f /run/sealift/swarm-invited");
}

describe("a swarm that is created while an engine dies", () => {
  let seconds = 0;
  test("the first run without a kill", async () => {
    await isWhole();
    await leave();
    const from = Date.now();
    await isWhole();
    seconds = (Date.now() - from) / 1000 / 2;
  });

  for (let round = 0; round < kills; round++)
    test(`killed at a random moment, ${round + 1} of ${kills}`, async (context) => {
      await leave();
      const moment = Math.random() * seconds;
      const victim = Math.floor(Math.random() * names.length);
      const [cut] = await Promise.all([
        up(),
        sleep(moment * 1000).then(() =>
          on(
            victim,
            "systemctl kill --signal KILL docker.service containerd.service; pkill -9 -f 'sealift/.*[.]sh' || true",
          ),
        ),
      ]);
      context.diagnostic(
        `${names[victim] ?? ""} after ${moment.toFixed(1)} s: the run ended with ${cut.exitCode}`,
      );
      await isWhole();
    });
});

/** Where the power of a member is cut: in words, who loses it, and a shell test that holds from then on, on the host that is watched. */
interface Place {
  readonly words: string;
  readonly victim: 0 | 1 | 2;
  readonly watched: 0 | 1;
  readonly test: string;
  /** Three managers are there by then, so that two are left. */
  readonly quorum?: true;
}

const files = "/data/docker/swarm";
const managers = "docker node inspect --format '{{.Spec.Role}}' $(docker node ls --quiet) | grep -c manager";
const creating = "[ -e /var/lib/sealift/swarm-creating ]";
const invited = "[ -e /run/sealift/swarm-invited ]";
const places: readonly Place[] = [
  { words: "the swarm is about to be created", victim: 0, watched: 0, test: creating },
  {
    words: "the swarm has a CA and no name yet",
    victim: 0,
    watched: 0,
    test: `${creating} && [ -e ${files}/certificates/swarm-root-ca.crt ]`,
  },
  { words: "hosts are invited", victim: 0, watched: 0, test: invited },
  { words: "a host has begun to join", victim: 1, watched: 1, test: `[ -e ${files}/docker-state.json ]` },
  {
    words: "a host has begun to join, and the manager dies",
    victim: 0,
    watched: 1,
    test: `[ -e ${files}/docker-state.json ]`,
  },
  {
    words: "a host has its certificate",
    victim: 1,
    watched: 1,
    test: `[ -e ${files}/certificates/swarm-node.crt ]`,
  },
  {
    words: "the second manager is promoted, and dies",
    victim: 1,
    watched: 0,
    test: `[ $(${managers}) -ge 2 ]`,
  },
  {
    words: "the second manager is promoted, and the first dies",
    victim: 0,
    watched: 0,
    test: `[ $(${managers}) -ge 2 ]`,
  },
  {
    words: "the third manager is promoted, and dies",
    victim: 2,
    watched: 0,
    test: `[ $(${managers}) -ge 3 ]`,
  },
  {
    words: "the third manager is promoted, and the first dies",
    victim: 0,
    watched: 0,
    test: `[ $(${managers}) -ge 3 ]`,
  },
  {
    words: "the ingress network is being replaced",
    victim: 0,
    watched: 0,
    test: `${invited} && [ $(${managers}) -ge 3 ] && ! docker network inspect ingress`,
    quorum: true,
  },
  {
    words: "the network is created",
    victim: 0,
    watched: 0,
    test: "docker network inspect shared",
    quorum: true,
  },
  {
    words: "the network is created, and another manager dies",
    victim: 2,
    watched: 0,
    test: "docker network inspect shared",
    quorum: true,
  },
];

describe("a swarm of which a member loses its power while it is created", () => {
  for (let round = 1; round <= rounds; round++)
    for (const place of places)
      test(`${place.words}, ${round} of ${rounds}`, async (context) => {
        await leave();
        const watch = `until { ${place.test}; } >/dev/null 2>&1; do sleep 0.02; done`;
        const run = up();
        const watched = guests[place.watched]?.exec("sudo -n timeout 300 sh -s", { input: watch });
        const first = await Promise.race([watched, run.then(() => undefined)]);
        assert.equal(first?.exitCode, 0, "its moment came before the run ended");
        await guests[place.victim]?.kill();
        const { exitCode } = await run;
        context.diagnostic(`the run ended with ${exitCode}`);
        if (place.quorum === true)
          for (const at of names.keys())
            if (at !== place.victim)
              await on(at, "timeout 60 sh -c 'until docker node ls >/dev/null 2>&1; do sleep 1; done'");
        const back = await segment.restart(names[place.victim]);
        guests = guests.map((guest, at) => (at === place.victim ? back : guest));
        await writeSite();
        await isWhole();
        await on(0, "docker network inspect shared >/dev/null");
      });
});
