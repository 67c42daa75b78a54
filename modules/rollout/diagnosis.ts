/** The result of probing a site, as values for output. Pure. */
import { dataStatusOf, type DataStatus } from "../backup/data-status.ts";
import { backedApps } from "../core/site/backed-apps.ts";
import { endpoint } from "../core/endpoint.ts";
import { describeDifference, differences, type Difference } from "../core/host/drift.ts";
import type { Problem } from "../core/errors.ts";
import type { StepReport } from "../core/host/report.ts";
import type { Phase } from "../core/host/step.ts";
import type { HostProbe } from "./probe-site.ts";
import type { Group } from "../preflight/check.ts";
import { checkOf } from "../preflight/checks.ts";
import { hostRefusals, hostWarnings } from "./host-findings.ts";

export type Verdict = "pass" | "warn" | "fail";

/** A problem that the operator must fix (`fail`) or should know about (`warn`). */
export interface Finding extends Problem {
  readonly verdict: Exclude<Verdict, "pass">;
}

/** One check of preflight. */
export interface CheckResult {
  /** `preflight.<name>` or `preflight.<name>.<object>`. */
  readonly code: string;
  readonly group: Group;
  readonly verdict: Verdict;
  readonly fact: string;
  /** May be empty when the fact holds. */
  readonly found: string;
}

/** The facts of one phase: how many there are, how many hold, and each that `pulumi up` would make true. */
export interface PhaseResult {
  readonly name: string;
  readonly facts: number;
  readonly hold: number;
  /** One line each: code, found, expected, impact. A change that a guard refuses is a finding, and not listed here. */
  readonly differ: readonly string[];
}

export interface HostDiagnosis {
  readonly name: string;
  /** `login@address:port`. */
  readonly address: string;
  readonly reached: boolean;
  /** Empty when the host was not reached. */
  readonly checks: readonly CheckResult[];
  readonly phases: readonly PhaseResult[];
  readonly findings: readonly Finding[];
}

export interface Diagnosis {
  /** True when nothing fails. */
  readonly ok: boolean;
  readonly environment: string;
  /** Serial of the bundle; null when it is refused. */
  readonly serial: number | null;
  /** Of the operator's machine and the bundle. */
  readonly problems: readonly Problem[];
  /** Warnings about a bundle that passes. */
  readonly warnings: readonly Problem[];
  /** Secrets of the site file that doctor cannot decrypt: facts that need them are not checked. */
  readonly unread: readonly string[];
  readonly hosts: readonly HostDiagnosis[];
  /** Applications and registries that are backed up, and what the hosts say about their data. */
  readonly backedUp: readonly BackedUpApp[];
}

export interface BackedUpApp {
  readonly app: string;
  readonly host: string;
  readonly data: DataStatus;
}

/** What the hosts that were reached say. */
export function backedUpApps(hosts: readonly Pick<HostProbe, "spec" | "probe">[]): readonly BackedUpApp[] {
  const valuesOf = (name: string): Readonly<Record<string, string>> => {
    const found = hosts.find(({ spec }) => spec.name === name)?.probe;
    return found?.kind === "reached" ? (found.report.values ?? {}) : {};
  };
  return hosts.flatMap(({ spec, probe }) =>
    probe.kind !== "reached"
      ? []
      : backedApps(spec).flatMap((app) => {
          const data = dataStatusOf(spec, app, valuesOf);
          return data === undefined ? [] : [{ app: app.name, host: spec.name, data }];
        }),
  );
}

export function diagnoseHost({
  spec,
  phases,
  probe,
}: Pick<HostProbe, "spec" | "phases" | "probe">): HostDiagnosis {
  const reached = probe.kind === "reached";
  const steps = reached ? probe.report.steps : [];
  const fail = [...(probe.kind === "unreachable" ? [probe.problem] : []), ...hostRefusals(spec, probe)];
  return {
    name: spec.name,
    address: `${spec.sshUser}@${endpoint(spec.address, spec.port)}`,
    reached,
    checks: steps.flatMap(checkResult),
    phases: reached ? phases.filter(({ name }) => name !== "preflight").map(phaseResult) : [],
    findings: [
      ...fail.map((problem): Finding => ({ ...problem, verdict: "fail" })),
      ...hostWarnings(spec, probe).map((problem): Finding => ({
        ...problem,
        verdict: "warn",
      })),
    ],
  };

  function phaseResult(phase: Phase): PhaseResult {
    const differ: readonly Difference[] = differences(phase, probe) ?? [];
    const codes = new Set(phase.steps.map(({ code }) => code));
    const refused = new Set(steps.filter(({ status }) => status === "refused").map(({ code }) => code));
    return {
      name: phase.name,
      facts: phase.steps.length,
      hold: steps.filter(({ code, status }) => status === "ok" && codes.has(code)).length,
      differ: differ.filter(({ step }) => !refused.has(step.code)).map(describeDifference),
    };
  }
}

/** The more severe of two. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.includes("warn") ? "warn" : "pass";
}

function checkResult({ code, status, fact, found }: StepReport): CheckResult[] {
  const check = checkOf(code);
  if (check === undefined) return [];
  return [{ code, group: check.group, verdict: status === "ok" ? "pass" : check.level, fact, found }];
}
