/** Name and CA of the site's registry, and the redirects of image names, as a phase. */
import type { CaBundle, RegistrySpec } from "../core/site/registry.ts";
import type { Phase } from "../core/host/step.ts";
import { trustSteps } from "./steps.ts";

/**
 * Pure: the phase of one host.
 *
 * @param caBundles undefined while they are unknown.
 * @param unreachable hosts of the registry that do not respond, by name: then the CAs that a host already trusts stay unchanged, with
 * a warning.
 */
export function trustPhase(
  registry: RegistrySpec,
  caBundles: readonly CaBundle[] | undefined,
  unreachable: readonly string[] = [],
): Phase {
  return { name: "trust", steps: trustSteps({ registry, caBundles, unreachable }) };
}
