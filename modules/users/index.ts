/** Groups, users and who may use the engine. Destroying leaves all of them, their homes and their keys. */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Phase } from "../core/step.ts";

export class Users extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:users:Users", host, phase, after);
  }
}
