/**
 * Engines of three managers and two workers by waves, under a service of two replicas that answers all the time; and upgrades during which a
 * member loses its power.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startSwarmService, type SwarmService } from "../support/guests/swarm-service.ts";

const managers = ["five-a", "five-b", "five-c"] as const;
const workers = ["five-d", "five-e"] as const;
const names = [...managers, ...workers];
const rounds = Number(process.env["SEALIFT_CUTS"] ?? "1");
let swarm: SwarmService;

before(async () => {
  swarm = await startSwarmService("lab-swarm-five", { managers, workers });
});
after(() => swarm.end());

async function isWhole(engine: string): Promise<void> {
  await swarm.up();
  await swarm.up("--expect-no-changes");
  for (const name of names)
    assert.match(
      await swarm.on(name, "docker version --format '{{.Server.Version}}'"),
      new RegExp(`^${engine}`),
    );
  const nodes = await swarm.on(
    "five-a",
    "docker node ls --format '{{.Status}} {{.Availability}} {{.ManagerStatus}}'",
  );
  assert.deepEqual(
    nodes
      .split("\n")
      .map((line) => line.trim())
      .toSorted(),
    ["Ready Active", "Ready Active", "Ready Drain Leader", "Ready Drain Reachable", "Ready Drain Reachable"],
  );
}

/** Where the power is cut: in words, of whom, and a shell test on a host that is watched. */
interface Place {
  readonly words: string;
  readonly victim: string;
  readonly watched: string;
  readonly test: string;
}

const drained = (name: string): string =>
  `docker node ls --format '{{.Hostname}} {{.Availability}}' | grep -qx '${name} Drain'`;
const stopped = "! systemctl is-active --quiet docker.service";
const places: readonly Place[] = [
  { words: "a worker is drained, and dies", victim: "five-d", watched: "five-a", test: drained("five-d") },
  {
    words: "a worker is drained, and the manager that drains it dies",
    victim: "five-a",
    watched: "five-b",
    test: drained("five-e"),
  },
  { words: "the engine of a worker is stopped", victim: "five-e", watched: "five-e", test: stopped },
  { words: "the engine of a manager is stopped", victim: "five-b", watched: "five-b", test: stopped },
  {
    words: "the engine of a manager is stopped, and a worker dies",
    victim: "five-d",
    watched: "five-c",
    test: stopped,
  },
];

describe("a swarm of three managers and two workers", () => {
  test("the next engine on all five: no request fails", async () => {
    const [first, next] = swarm.engines;
    await isWhole(first);
    await swarm.serve();
    await swarm.write(next);
    await swarm.up();
    const { all, failed } = await swarm.requests();
    console.log(`${all} requests, ${failed} failed`);
    assert.ok(all > 100);
    assert.equal(failed, 0);
    await isWhole(next);
    assert.equal(
      await swarm.on("five-a", "docker service ls --format '{{.Replicas}}'"),
      "2/2 (max 1 per node)",
    );
  });

  let engine = "";
  for (let round = 1; round <= rounds; round++)
    for (const { words, victim, watched, test: moment } of places)
      test(`${words}, ${round} of ${rounds}`, async (context) => {
        const [first, next] = swarm.engines;
        engine = engine === first ? next : first;
        await swarm.write(engine);
        const run = swarm.pulumi("up", "--yes", "--skip-preview");
        const met = await Promise.race([swarm.until(watched, moment), run.then(() => false)]);
        assert.ok(met, "its moment came before the run ended");
        await swarm.kill(victim);
        const { exitCode } = await run;
        context.diagnostic(`the run ended with ${exitCode}`);
        for (const name of managers)
          if (name !== victim && name !== watched)
            await swarm.on(name, "timeout 90 sh -c 'until docker node ls >/dev/null 2>&1; do sleep 1; done'");
        await swarm.restart(victim);
        await isWhole(engine);
      });
});
