/** A worker of a swarm whose engine a run stops, as facts that one of the managers makes true before and after. Pure. */
import { ownMember, type SwarmSpec } from "../core/site/swarm.ts";
import type { Phase, Step } from "../core/host/step.ts";

/** What is done before the engine of a worker stops, and after it has started. */
export interface WorkerDrainPhases {
  readonly drain: Phase;
  readonly activate: Phase;
}

/**
 * @param spec of the worker.
 * @param stops whether this run stops its engine; otherwise both facts hold without a look at the swarm.
 */
export function workerDrainPhases(spec: SwarmSpec, stops: boolean): WorkerDrainPhases {
  const { host, address, availability } = ownMember(spec);
  const when = stops ? "stops" : "runs";
  const phase = (name: string, step: Omit<Step, "effect">): Phase => ({
    name,
    steps: [{ ...step, effect: "none" }],
  });
  return {
    drain: phase("drain", {
      code: "swarm.drain",
      fact: `${host} has no tasks of the swarm while its engine is stopped`,
      call: ["swarm_worker_drained", host, address, when],
    }),
    activate: phase("activate", {
      code: "swarm.activate",
      fact: `${host} is ready and ${availability === "drain" ? "drained" : "active"} again, and no service has fewer tasks than before`,
      call: ["swarm_worker_back", host, address, availability, when],
    }),
  };
}
