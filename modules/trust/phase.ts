/** Name and CA of the site's registry, and where image names lead, as a phase. */
import type { Authority, RegistrySpec } from "../core/registry.ts";
import type { Phase } from "../core/step.ts";
import { trustSteps } from "./steps.ts";

/** Pure: the phase of one host. @param authorities undefined while they are not known: the phase cannot hold then. */
export function trustPhase(registry: RegistrySpec, authorities: readonly Authority[] | undefined): Phase {
  return { name: "trust", steps: trustSteps({ registry, authorities }) };
}
