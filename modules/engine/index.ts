/** Docker and containerd from static binaries. Destroying leaves them installed and running. */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Phase } from "../core/step.ts";

export class Engine extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:engine:Engine", host, phase, [...after, ...host.blobs]);
  }
}
