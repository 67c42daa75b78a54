/** Which members of a swarm leave their tasks to others before their engines stop, and who drains them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostPlan } from "../../modules/rollout/plan-site.ts";
import { actingManager, actsForWorkers, leavesItsTasks } from "../../modules/rollout/drained-workers.ts";
import { swarmOf } from "../../modules/core/site/swarm.ts";
import { workerDrainPhases } from "../../modules/swarm/worker-drain-steps.ts";

const file = {
  ...{ name: "plant-1", managers: ["a", "b", "c"], workers: { hosts: ["d"] } },
  addressPool: { base: "172.29.0.0/16" },
};
const hosts = ["a", "b", "c", "d", "e"].map((name, at) => ({ name, address: `10.50.0.${at + 1}` }));
const phase = (name: string) => ({
  name,
  steps: [{ code: `${name}.fact`, fact: "holds", effect: "none", call: ["fact"] }],
});

/** @param wrong the phase with a fact that does not hold, and the impact of its repair. */
function planOf(name: string, wrong: Readonly<Record<string, string>> = {}, kind = "reached"): HostPlan {
  const swarm = swarmOf(file, hosts, name);
  const steps = ["engine", "daemon", "swarm"].map((one) => ({
    code: `${one}.fact`,
    status: wrong[one] === undefined ? "ok" : "differs",
    effect: wrong[one],
    found: "",
  }));
  return {
    spec: { name, ...(swarm === undefined ? {} : { swarm }) },
    phases: { engine: phase("engine"), daemon: phase("daemon"), swarm: phase("swarm") },
    probe: { kind, report: { steps } },
  } as unknown as HostPlan;
}

test("a member leaves its tasks when its engine is to stop, and only if it takes part in a swarm of several hosts", () => {
  assert.ok(leavesItsTasks(planOf("d", { engine: "containers-stop" })));
  assert.ok(leavesItsTasks(planOf("a", { daemon: "restart" })));
  assert.ok(!leavesItsTasks(planOf("d")));
  assert.ok(!leavesItsTasks(planOf("d", { daemon: "reload" })));
  assert.ok(!leavesItsTasks(planOf("d", { engine: "containers-stop", swarm: "none" })));
  assert.ok(!leavesItsTasks(planOf("e", { engine: "containers-stop" })));
});

test("the first manager that responds drains a worker; managers drain themselves", () => {
  const worker = planOf("d", { engine: "containers-stop" });
  const site = { hosts: [planOf("a", {}, "silent"), planOf("b"), planOf("c"), worker] };
  assert.equal(actingManager(site, worker)?.spec.name, "b");
  assert.equal(actingManager(site, planOf("b")), undefined);
  assert.deepEqual(
    site.hosts.filter((host) => actsForWorkers(site, host)).map(({ spec }) => spec.name),
    ["b"],
  );
  assert.ok(!actsForWorkers({ hosts: [planOf("a"), planOf("d")] }, planOf("a")));
});

test("what a manager is sent says whether the worker's engine stops", () => {
  const spec = swarmOf(file, hosts, "d");
  assert.ok(spec !== undefined);
  const calls = (stops: boolean) =>
    Object.values(workerDrainPhases(spec, stops)).map(({ steps }) => (steps as { call: unknown }[])[0]?.call);
  assert.deepEqual(calls(true), [
    ["swarm_worker_drained", "d", "10.50.0.4", "stops"],
    ["swarm_worker_back", "d", "10.50.0.4", "active", "stops"],
  ]);
  assert.deepEqual(calls(false)[0], ["swarm_worker_drained", "d", "10.50.0.4", "runs"]);
});
