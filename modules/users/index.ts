/** Groups, users and access to the engine, as a phase. */
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { accountSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function usersPhase(host: HostSpec): Phase {
  return { name: "users", steps: accountSteps(host) };
}
