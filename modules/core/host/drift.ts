/** What a probe found in one phase, as text. Pure. */
import type { Problem } from "../errors.ts";
import type { Probe } from "./probe.ts";
import type { StepReport } from "./report.ts";
import type { Effect, Phase, Step } from "./step.ts";
import { visible } from "../visible.ts";

export interface Difference {
  readonly step: Step;
  readonly found: string;
  /** Impact of the repair: as computed on the host, otherwise the highest that this step can have. */
  readonly effect: Effect;
}

/** The facts of a phase that do not hold; undefined when the host was not probed. */
export function differences(phase: Phase, probe: Probe): readonly Difference[] | undefined {
  if (probe.kind !== "reached") return undefined;
  const reports = new Map<string, StepReport>(probe.report.steps.map((report) => [report.code, report]));
  return phase.steps.flatMap((step) => {
    const report = reports.get(step.code);
    if (report?.status === "ok" || report?.status === "warn") return [];
    return [{ step, found: report?.found ?? "not checked", effect: report?.effect ?? step.effect }];
  });
}

/** How many facts of a host hold. */
export interface Tally {
  /** Facts that hold. */
  readonly hold: number;
  /** Warnings about the host: of preflight, and facts that do not hold, which are reported and not repaired. */
  readonly warned: number;
  /** Codes of all others: facts that do not hold, and facts that could not be checked. */
  readonly failing: readonly string[];
}

/**
 * Counts the facts of these phases in one probe.
 *
 * @param preflight the number of preflight's warnings about the host.
 */
export function tallyOf(phases: readonly Phase[], probe: Probe, preflight: number): Tally {
  const codes = phases.flatMap(({ steps }) => steps.map(({ code }) => code));
  const states = new Map(
    probe.kind === "reached" ? probe.report.steps.map(({ code, status }) => [code, status]) : [],
  );
  const hold = codes.filter((code) => states.get(code) === "ok").length;
  const warned = preflight + codes.filter((code) => states.get(code) === "warn").length;
  const failing = codes.filter((code) => !["ok", "warn"].includes(states.get(code) ?? ""));
  return { hold, warned, failing };
}

/**
 * The host's revision at the time of the probe, and the run, as text. A drift note contains it, so that a fact that breaks again in the same
 * way after its repair gives a different note: Pulumi would see no change between equal notes. The revision alone is not enough, because a
 * host that is reset to a snapshot also has the journal of that time.
 */
export function revisionText(probe: Probe, run: string): string {
  if (probe.kind !== "reached" || probe.report.revision === undefined) return `not probed in run ${run}`;
  const { machine, journalLines } = probe.report.revision;
  return `probed on machine ${machine} at journal line ${journalLines} in run ${run}`;
}

/** One line: the fact, what the check found, and the impact of the repair. */
export function describeDifference({ step, found, effect }: Difference): string {
  return visible(
    `${step.code}: found: ${found || unnamed}; expected: ${step.fact}; impact: ${impacts[effect]}`,
  );
}

/** A fact that does not hold after the run that should have made it true. */
export function driftProblem(host: string, { step, found }: Difference, fix: string): Problem {
  const { code: subject, fact: expected } = step;
  return { where: host, code: "E_FACT", subject, found: found || unnamed, expected, fix };
}

/** What stands for a check that fails without output. */
const unnamed = "the fact does not hold";

const impacts: Readonly<Record<Effect, string>> = {
  none: "none",
  reload: "the daemon reloads",
  restart: "the daemon restarts, containers keep running",
  "containers-stop": "containers stop",
};
