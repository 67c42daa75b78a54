/** The docker group and the people in it. Destroying leaves all of them, their homes and their keys. */
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { HostSpec } from "../core/site.ts";
import type { Phase } from "../core/step.ts";
import { userSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function usersPhase({ users }: HostSpec): Phase {
  return { name: "users", steps: userSteps(users) };
}

export class Users extends PhaseResource {
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    super("sealift:users:Users", host, phase, after);
  }
}
