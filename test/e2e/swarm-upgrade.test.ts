/** The engines of a swarm, one host after the other, under a service that answers all the time. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startSwarmService, type SwarmService } from "../support/guests/swarm-service.ts";

const [manager, ...workers] = ["upgrade-a", "upgrade-b", "upgrade-c"] as const;
let swarm: SwarmService;

before(async () => {
  swarm = await startSwarmService("lab-swarm-upgrade", { managers: [manager], workers });
});
after(() => swarm.end());

const availability = (): Promise<string> =>
  swarm.on(
    manager,
    "sh -c 'docker node inspect --format {{.Spec.Availability}} $(docker node ls -q -f role=worker)'",
  );

describe("engine upgrades of a swarm with workers", () => {
  test("a service with two replicas runs on two workers", async () => {
    await swarm.up();
    await swarm.serve();
    await swarm.up("--expect-no-changes");
  });

  test("the next engine on all hosts, one after the other: no request fails, and every node is active again", async () => {
    const [, next] = swarm.engines;
    await swarm.write(next);
    const preview = await swarm.succeeds("preview");
    for (const name of workers)
      assert.match(
        preview,
        new RegExp(`swarm\\.drain: found: this run stops its engine; expected: ${name} has no tasks`),
      );
    const output = await swarm.up();
    const { all, failed } = await swarm.requests();
    console.log(`${all} requests, ${failed} failed`);
    assert.ok(all > 100);
    assert.equal(failed, 0);
    for (const name of [manager, ...workers])
      assert.match(
        await swarm.on(name, "docker version --format '{{.Server.Version}}'"),
        new RegExp(`^${next}`),
      );
    for (const name of workers) {
      const order = ["drain", "engine", "activate"].map((phase) =>
        output.search(new RegExp(`${name}-${phase}-run +updated`)),
      );
      assert.ok(!order.includes(-1), `${name}: ${String(order)} in ${output}`);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        name,
      );
    }
    assert.equal(await availability(), "active\nactive");
    assert.equal(
      await swarm.on(manager, "docker service ls --format '{{.Replicas}}'"),
      "2/2 (max 1 per node)",
    );
    await swarm.up("--expect-no-changes");
  });

  test("a run that is cut after a node was drained: the next one goes on, and activates it", async () => {
    const [first] = swarm.engines;
    await swarm.on(manager, "docker node update --availability drain upgrade-b");
    await swarm.write(first);
    await swarm.up();
    assert.equal(await availability(), "active\nactive");
    assert.match(
      await swarm.on("upgrade-b", "docker version --format '{{.Server.Version}}'"),
      new RegExp(`^${first}`),
    );
  });
});
