/** What a look says against a host, and what is to be known of it: preflight's checks and the guards of all phases. Pure. */
import type { Problem } from "./core/errors.ts";
import type { Probe } from "./core/probe.ts";
import { refusals, warnings } from "./core/refusal.ts";
import type { HostSpec } from "./core/site-spec.ts";
import { preflightProblems, preflightWarnings } from "./preflight/index.ts";

/** Why the host must not be changed; nothing when it may be. That it is silent is not told here. */
export function refusedOf(spec: HostSpec, probe: Probe): readonly Problem[] {
  return [...preflightProblems(spec, probe), ...refusals(spec.name, probe)];
}

/** What to tell of a host that may be changed all the same. */
export function warnedOf(spec: HostSpec, probe: Probe): readonly Problem[] {
  return [...preflightWarnings(spec, probe), ...warnings(spec.name, probe)];
}
