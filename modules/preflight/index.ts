/** What every host has to be before any host is changed: all hosts are looked at, and all findings told at once. */
import type { Archive } from "../core/blob.ts";
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/probe.ts";
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import type { Level } from "./check.ts";
import { checkOf } from "./checks.ts";
import { preflightSteps } from "./steps.ts";

/**
 * Pure: the checks of one host.
 * @param archive the engine that the host gets; undefined when there is no bundle to say.
 * @param clock the operator's clock, in seconds since 1970.
 */
export function preflightPhase(host: HostSpec, archive: Archive | undefined, clock: number): Phase {
  return { name: "preflight", steps: preflightSteps(host, archive, clock) };
}

/** Why a host must not be changed; nothing when it may be. An unreachable host is not told here. */
export function preflightProblems(host: HostSpec, probe: Probe): readonly Problem[] {
  if (probe.kind === "refused") return [probe.problem];
  return findings(host, probe, "fail");
}

/** What a person should know about a host that may be changed all the same. */
export function preflightWarnings(host: HostSpec, probe: Probe): readonly Problem[] {
  return findings(host, probe, "warn");
}

function findings(host: HostSpec, probe: Probe, wanted: Level): readonly Problem[] {
  if (probe.kind !== "reached") return [];
  return probe.report.steps
    .filter(({ status }) => status !== "ok")
    .flatMap(({ code, fact, found }) => {
      const check = checkOf(code);
      if (check?.level !== wanted) return [];
      const { error } = check;
      const said = check.said?.(found) ?? { got: found || "otherwise", todo: check.todo };
      return [{ where: host.name, code: error, subject: code, expected: fact, ...said }];
    });
}
