/** The phases of a registry once another registry host has reported in the same run. */
import * as pulumi from "@pulumi/pulumi";
import { asRunError } from "../core/pulumi/as-run-error.ts";
import type { CaBundle } from "../core/site/registry.ts";
import type { ServedHost } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { reportedCaOf } from "./index.ts";
import { withCa } from "./seed.ts";

/** The phase of a downstream registry, with the CA that the upstream registry host reports in this run. */
export function resolvedSeed(
  phase: Phase,
  caBundle: pulumi.Output<CaBundle | undefined>,
): pulumi.Output<Phase> {
  return caBundle.apply((known) => ({ ...phase, steps: withCa(phase.steps, known) }));
}

/**
 * {@link reportedCaOf} during a run: the host reported another CA in the probe, or none.
 *
 * @throws {pulumi.RunError} one line on that host.
 */
export function resolvedCa(spec: ServedHost, report: string): Promise<CaBundle | undefined> {
  return asRunError(() => Promise.resolve(reportedCaOf(spec, report)));
}
