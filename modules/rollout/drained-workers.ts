/** Members of a swarm whose engines a run stops: which ones, and which manager drains the workers among them. A manager drains itself. */
import type * as pulumi from "@pulumi/pulumi";
import { differences, type Difference } from "../core/host/drift.ts";
import type { Host } from "../core/pulumi/converge.ts";
import { PhaseResource } from "../core/pulumi/phase-resource.ts";
import { ownMember } from "../core/site/swarm.ts";
import type { Phase } from "../core/host/step.ts";
import { workerDrainPhases } from "../swarm/worker-drain-steps.ts";
import type { HostPlan, SitePlan } from "./plan-site.ts";

/** Pure: whether this run stops the engine of a host that takes part in a swarm of several hosts. */
export function leavesItsTasks({ spec, phases, probe }: HostPlan): boolean {
  if (spec.swarm === undefined || spec.swarm.members.length < 2 || phases.swarm === undefined) return false;
  // One that does not take part has no tasks.
  if (differences(phases.swarm, probe)?.length !== 0) return false;
  return [phases.engine, phases.daemon]
    .flatMap((phase) => differences(phase, probe) ?? [])
    .some(({ effect }) => effect === "restart" || effect === "containers-stop");
}

/** Pure: the manager that acts for a worker: the first one that responds. Undefined for a host that is no worker of a swarm. */
export function actingManager({ hosts }: Pick<SitePlan, "hosts">, { spec }: HostPlan): HostPlan | undefined {
  if (roleOf(spec) !== "worker") return undefined;
  const managers = hosts.filter((host) => roleOf(host.spec) === "manager");
  return managers.find(({ probe }) => probe.kind === "reached") ?? managers[0];
}

function roleOf({ swarm }: HostPlan["spec"]): "manager" | "worker" | undefined {
  return swarm === undefined ? undefined : ownMember(swarm).role;
}

/** Pure: whether a host acts for a worker in this run. */
export function actsForWorkers(site: Pick<SitePlan, "hosts">, { spec }: HostPlan): boolean {
  if (roleOf(spec) !== "manager") return false;
  return site.hosts.some(
    (host) => leavesItsTasks(host) && actingManager(site, host)?.spec.name === spec.name,
  );
}

/** Before the engine of a worker is changed, and after everything on it is done. */
export class DrainedWorker {
  /** Its node has no tasks. */
  readonly drain: PhaseResource;
  /** Makes its node active again. Its argument: everything else on the host. */
  readonly activate: (after: readonly pulumi.Resource[]) => PhaseResource;

  /**
   * @param host of the worker.
   * @param acting of the manager.
   */
  constructor(plan: HostPlan, host: Host, acting: Host) {
    const { swarm } = plan.spec;
    if (swarm === undefined) throw new TypeError(`${plan.spec.name} is no member of a swarm`);
    const stops = leavesItsTasks(plan);
    const { drain, activate } = workerDrainPhases(swarm, stops);
    const make = (type: string, phase: Phase, after: readonly pulumi.Resource[]): PhaseResource =>
      new PhaseResource(type, host, phase, after, undefined, {
        host: acting,
        drift: stops ? phase.steps.map(planned) : [],
      });
    this.drain = make("sealift:swarm:Drain", drain, []);
    this.activate = (after) => make("sealift:swarm:Activate", activate, [this.drain, ...after]);
  }
}

/** No probe has found it: it follows from what the run does. */
function planned(step: Phase["steps"][number]): Difference {
  return { step, found: "this run stops its engine", effect: step.effect };
}
