/** The refusals and warnings of a probed host: preflight's checks and the guards of all phases. Pure. */
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import { guardRefusals, guardWarnings } from "../core/host/guard-results.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { dataWarnings } from "../backup/data-status.ts";
import { preflightProblems, preflightWarnings } from "../preflight/index.ts";

/** Why the host must not be changed; empty when it may be. An unreachable host is reported elsewhere. */
export function hostRefusals(spec: HostSpec, probe: Probe): readonly Problem[] {
  return [...preflightProblems(spec, probe), ...guardRefusals(spec.name, probe)];
}

/** Warnings about a host that may be changed. */
export function hostWarnings(spec: HostSpec, probe: Probe): readonly Problem[] {
  const values = probe.kind === "reached" ? probe.report.values : undefined;
  return [
    ...preflightWarnings(spec, probe),
    ...guardWarnings(spec.name, probe),
    ...dataWarnings(spec, values ?? {}),
  ];
}
