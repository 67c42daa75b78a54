/** daemon.json and the daemon that runs with it, as a phase. */
import type { HostSpec } from "../core/site/site-spec.ts";
import { ownMember } from "../core/site/swarm.ts";
import type { Phase } from "../core/host/step.ts";
import { daemonSteps } from "./steps.ts";

/**
 * Pure: the phase of one host.
 *
 * @param tokenCas CAs of an external registry, each as base64 of its DER. Default none.
 */
export function daemonPhase(
  { daemon, engine, containerLimits, swarm }: HostSpec,
  tokenCas: readonly string[] = [],
): Phase {
  const address = swarm === undefined ? undefined : ownMember(swarm).address;
  return { name: "daemon", steps: daemonSteps(daemon, engine.version, containerLimits, tokenCas, address) };
}
