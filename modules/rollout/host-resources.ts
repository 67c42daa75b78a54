/** The Pulumi resources of one host, created phase by phase. */
import type * as pulumi from "@pulumi/pulumi";
import type { Phase } from "../core/host/step.ts";
import { Host, type HostArgs } from "../core/pulumi/converge.ts";
import { PhaseResource } from "../core/pulumi/phase-resource.ts";
import { isInSync, phaseList, type HostPhases } from "./phases.ts";
import type { HostPlan, SitePlan } from "./plan-site.ts";

type PhaseName = keyof HostPhases;

/** What the resources of a host get from the program around its site. */
export interface HostContext extends Pick<HostArgs, "outputs" | "sending"> {
  /** Of the host's component. */
  readonly opts?: pulumi.ComponentResourceOptions;
  /** Whether commands of this run need the library although all facts of the host hold. @default false */
  readonly acts?: boolean;
}

export class HostResources {
  readonly host: Host;
  readonly #phases: HostPhases;
  readonly #made = new Map<PhaseName, PhaseResource>();

  constructor(
    plan: HostPlan,
    { library, bundle, receipt }: Pick<SitePlan, "library" | "bundle"> & Partial<Pick<SitePlan, "receipt">>,
    { opts, acts = false, ...context }: HostContext = {},
  ) {
    const { spec, deliveries: blobs, retainedBlobs, phases, probe, warnings } = plan;
    this.#phases = phases;
    const inSync = !acts && isInSync(phases, probe);
    const args = {
      ...{ spec, library, blobs, retainedBlobs, probe, inSync, warnings, bundle, ...context },
      ...(receipt === undefined ? {} : { receipt: receipt.directory }),
    };
    this.host = new Host(spec.name, args, opts);
  }

  /**
   * Creates the resource of a phase, unless it exists or the host has no such phase.
   *
   * @param after resources of other hosts, and deliveries, that it depends on besides its own predecessors.
   * @param resolved the phase with what another host reports in this run.
   */
  add(
    name: PhaseName,
    after: readonly pulumi.Resource[] = [],
    resolved?: pulumi.Output<Phase>,
  ): PhaseResource | undefined {
    const entry = phaseList.find((one) => one.name === name);
    const phase = this.#phases[name];
    if (entry === undefined || entry.work === "check" || phase === undefined) return undefined;
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const { type, dependsOn, needsBlobs = false } = entry.work;
    const before = dependsOn.flatMap((one) => this.#made.get(one) ?? []);
    const blobs = needsBlobs ? this.host.blobs : [];
    const resource = new PhaseResource(type, this.host, phase, [...before, ...after, ...blobs], resolved);
    this.#made.set(name, resource);
    return resource;
  }

  get all(): readonly PhaseResource[] {
    return [...this.#made.values()];
  }

  /** What another host does for this one when all its own phases are done. */
  closing: PhaseResource | undefined;

  /** The last resource: when it is done, the host is done. */
  get last(): PhaseResource {
    const last = this.closing ?? [...this.#made.values()].at(-1);
    if (last === undefined) throw new TypeError("a host without a phase");
    return last;
  }
}
