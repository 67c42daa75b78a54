/** A host as a member of a swarm, and the swarm itself as its managers see it, as phases. */
import type { HostSpec } from "../core/site/site-spec.ts";
import { ownMember } from "../core/site/swarm.ts";
import type { Phase } from "../core/host/step.ts";
import { clusterSteps } from "./cluster-steps.ts";
import { statePhase, type SwarmState } from "./state.ts";
import { memberSteps } from "./steps.ts";

/** Pure: the phase of a member; undefined on other hosts. */
export function swarmPhase(
  { swarm, daemon }: Pick<HostSpec, "swarm" | "daemon">,
  state: SwarmState | undefined,
): Phase | undefined {
  if (swarm === undefined || state === undefined) return undefined;
  return { name: "swarm", steps: memberSteps(swarm, state, daemon["data-root"]) };
}

/** Pure: the phase of a manager about the swarm as a whole; undefined on other hosts. */
export function clusterPhase({ swarm, secrets }: Pick<HostSpec, "swarm" | "secrets">): Phase | undefined {
  if (swarm === undefined || ownMember(swarm).role !== "manager") return undefined;
  return { name: "cluster", steps: clusterSteps(swarm, secrets) };
}

/** Pure: what a manager is asked before the members are planned; undefined on other hosts. */
export function swarmStatePhase({ swarm, daemon }: Pick<HostSpec, "swarm" | "daemon">): Phase | undefined {
  if (swarm === undefined || ownMember(swarm).role !== "manager") return undefined;
  return statePhase(daemon["data-root"]);
}
