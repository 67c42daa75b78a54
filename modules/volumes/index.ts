/**
 * LVM volumes, their mounts, and the journal on one of them. @stateful Destroying leaves the group, the volumes, their
 * data, their mounts and the journal.
 */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { volumeSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function volumesPhase(host: HostSpec): Phase {
  return { name: "volumes", steps: volumeSteps(host) };
}

export class Volumes extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:volumes:Volumes", host, phase, after);
  }
}
