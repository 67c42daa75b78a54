/** What a probe says about one phase, in words for people. Pure. */
import type { Problem } from "./errors.ts";
import type { Probe } from "./probe.ts";
import type { StepReport } from "./report.ts";
import type { Effect, Phase, Step } from "./step.ts";
import { visible } from "./visible.ts";

export interface Difference {
  readonly step: Step;
  readonly found: string;
  /** What the repair costs: as the host has worked it out, otherwise the most that this step can cost. */
  readonly effect: Effect;
}

/** The facts of a phase that do not hold; undefined when nobody could look. */
export function differences(phase: Phase, probe: Probe): readonly Difference[] | undefined {
  if (probe.kind !== "reached") return undefined;
  const reports = new Map<string, StepReport>(probe.report.steps.map((report) => [report.code, report]));
  return phase.steps.flatMap((step) => {
    const report = reports.get(step.code);
    if (report?.status === "ok" || report?.status === "warn") return [];
    return [{ step, found: report?.found ?? "not looked at", effect: report?.effect ?? step.effect }];
  });
}

/** How many facts of a host hold. */
export interface Tally {
  /** Facts that hold. */
  readonly hold: number;
  /** Facts that do not hold, that are told and left as they are. */
  readonly warned: number;
  /** Codes of all others: those that do not hold, and those that nobody could look at. */
  readonly failing: readonly string[];
}

/** What one look says of these phases. */
export function tallyOf(phases: readonly Phase[], probe: Probe): Tally {
  const codes = phases.flatMap(({ steps }) => steps.map(({ code }) => code));
  const states = new Map(
    probe.kind === "reached" ? probe.report.steps.map(({ code, status }) => [code, status]) : [],
  );
  const hold = codes.filter((code) => states.get(code) === "ok").length;
  const warned = codes.filter((code) => states.get(code) === "warn").length;
  const failing = codes.filter((code) => !["ok", "warn"].includes(states.get(code) ?? ""));
  return { hold, warned, failing };
}

/**
 * Where the host was at the time of the look and in which run, as words. A note of drift holds it, so that the same fact, broken again
 * in the same way after its repair, is another note: equal notes would be no change to Pulumi. The mark of the host alone is not
 * enough, because a host that is set back to a snapshot has the journal of that time, too.
 */
export function seen(probe: Probe, run: string): string {
  if (probe.kind !== "reached" || probe.report.mark === undefined) return `not seen in run ${run}`;
  const { machine, journalLines } = probe.report.mark;
  return `seen on machine ${machine} at journal line ${journalLines} in run ${run}`;
}

/** One line: what is wanted, what is there, what making it so costs. */
export function describe({ step, found, effect }: Difference): string {
  return visible(`${step.code}: wanted ${step.fact}; found ${found || "otherwise"}; effect ${costs[effect]}`);
}

/** A fact that does not hold although the run that was to make it so has ended. */
export function unheldFact(host: string, { step, found }: Difference, todo: string): Problem {
  const { code: subject, fact: expected } = step;
  return { where: host, code: "E_FACT", subject, got: found || "otherwise", expected, todo };
}

const costs: Readonly<Record<Effect, string>> = {
  none: "nothing stops",
  reload: "the daemon reloads",
  restart: "the daemon restarts, containers run on",
  "containers-stop": "containers stop",
};
