/**
 * Runs that create a swarm and are cut at a random moment: the engine of one member is killed with -9, and with it what a run does there. The
 * next run makes the same swarm whole, and no member is in another one.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgent, type Agent } from "../lab/agent.ts";
import { addressOf, startSegment } from "../lab/demo/segment-site.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";

const kills = Number(process.env["SEALIFT_KILLS"] ?? "3");
const stack = "lab-swarm-killed";
const names = ["killed-a", "killed-b", "killed-c"] as const;
let guests: readonly Guest[];
let agent: Agent;
let env: Readonly<Record<string, string>>;

before(async () => {
  const lab = await prepareLab();
  guests = await startSegment(names, container("/data"));
  agent = await startAgent(guests[0]?.identityFile ?? "");
  env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  const site = await labSite(guests, lab.bundle);
  const addresses = Object.fromEntries(names.map((name, at) => [name, addressOf(at)]));
  const addressPool = { base: "172.29.0.0/16" };
  Object.assign(site, { swarm: { name: "plant-1", managers: names, addresses, addressPool } });
  await writeStack(stack, site);
  await freshStack(stack, env);
});

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

describe("a swarm that is created while an engine dies", () => {
  let seconds = 0;
  test("the first run without a kill", async () => {
    await isWhole();
    await leave();
    const from = Date.now();
    await isWhole();
    seconds = (Date.now() - from) / 1000 / 2;
  });

  /** As new hosts with an engine. */
  async function leave(): Promise<void> {
    for (const at of names.keys())
      await on(at, "docker swarm leave --force >/dev/null; rm -f /run/sealift/swarm-invited");
  }

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
