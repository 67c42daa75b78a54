/**
 * Requirements that every host must meet before any host is changed: all hosts are probed, and all findings are reported at once.
 */
import type { Archive, Blob } from "../core/host/blob.ts";
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import type { Level } from "./check.ts";
import { checkOf } from "./checks.ts";
import { preflightSteps } from "./steps.ts";

/**
 * Pure: the checks of one host.
 *
 * @param archive the engine for the host; undefined when there is no bundle.
 * @param clock the operator's clock, in seconds since 1970.
 * @param images blobs of images that are sent to the host. Default none.
 */
export function preflightPhase(
  host: HostSpec,
  archive: Archive | undefined,
  clock: number,
  images: readonly Blob[] = [],
): Phase {
  return { name: "preflight", steps: preflightSteps(host, archive, clock, images) };
}

/** Why a host must not be changed; empty when it may be. An unreachable host is reported elsewhere. */
export function preflightProblems(host: HostSpec, probe: Probe): readonly Problem[] {
  if (probe.kind === "refused") return [probe.problem];
  return findings(host, probe, "fail");
}

/** Warnings about a host that may be changed. */
export function preflightWarnings(host: HostSpec, probe: Probe): readonly Problem[] {
  return findings(host, probe, "warn");
}

function findings(host: HostSpec, probe: Probe, level: Level): readonly Problem[] {
  if (probe.kind !== "reached") return [];
  return probe.report.steps
    .filter(({ status }) => status !== "ok")
    .flatMap(({ code, fact, found }) => {
      const check = checkOf(code);
      if (check?.level !== level) return [];
      const { error } = check;
      const described = check.describe?.(found) ?? { found: found || "the check failed", fix: check.fix };
      return [{ where: host.name, code: error, subject: code, expected: fact, ...described }];
    });
}
