/** daemon.json and the daemon that runs with it. Destroying leaves both, and every container. */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Phase } from "../core/step.ts";

export class Daemon extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:daemon:Daemon", host, phase, after);
  }
}
