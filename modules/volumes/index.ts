/** LVM volumes on one disk. @stateful Destroying leaves the group, the volumes, their data and their mounts. */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { HostSpec } from "../core/site.ts";
import type { Phase } from "../core/step.ts";
import { volumeSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function volumesPhase({ volumes }: HostSpec): Phase {
  return { name: "volumes", steps: volumeSteps(volumes) };
}

export class Volumes extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:volumes:Volumes", host, phase, after);
  }
}
