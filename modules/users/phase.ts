/** Groups, users and who may use the engine, as a phase. */
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { accountSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function usersPhase(host: HostSpec): Phase {
  return { name: "users", steps: accountSteps(host) };
}
