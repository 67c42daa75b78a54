/** daemon.json and the daemon that runs with it, as a phase. */
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { daemonSteps } from "./steps.ts";

/**
 * Pure: the phase of one host.
 *
 * @param tokenAuthorities CAs of a registry that others look after, each as base64 of its DER. Default none.
 */
export function daemonPhase(
  { daemon, engine, containerLimits }: HostSpec,
  tokenAuthorities: readonly string[] = [],
): Phase {
  return { name: "daemon", steps: daemonSteps(daemon, engine.version, containerLimits, tokenAuthorities) };
}
