/**
 * LVM volumes, their mounts, and the journal on one of them. @stateful Destroying leaves the group, the volumes, their
 * data, their mounts and the journal.
 */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Phase } from "../core/step.ts";

export class Volumes extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:volumes:Volumes", host, phase, after);
  }
}
