/** Docker and containerd from static binaries. Destroying leaves them installed and running. */
import type { HostFiles } from "../core/blob.ts";
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { HostSpec } from "../core/site.ts";
import type { Phase } from "../core/step.ts";
import { engineSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function enginePhase({ daemon, imageStore }: HostSpec, files: HostFiles): Phase {
  return { name: "engine", steps: engineSteps({ files, dataRoot: daemon["data-root"], imageStore }) };
}

export class Engine extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:engine:Engine", host, phase, after);
  }
}
