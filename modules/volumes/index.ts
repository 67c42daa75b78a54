/** LVM volumes, their mounts, and the journal on one of them, as a phase. */
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { volumeSteps } from "./steps.ts";

/** Pure: the phase of one host. */
export function volumesPhase(host: HostSpec): Phase {
  return { name: "volumes", steps: volumeSteps(host) };
}
