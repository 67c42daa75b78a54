/** What a probe says about one phase, in words for people. Pure. */
import type { Probe } from "./probe.ts";
import type { StepReport } from "./report.ts";
import type { Phase, Step } from "./step.ts";

export interface Difference {
  readonly step: Step;
  readonly found: string;
}

/** The facts of a phase that do not hold; undefined when nobody could look. */
export function differences(phase: Phase, probe: Probe): readonly Difference[] | undefined {
  if (probe.kind !== "reached") return undefined;
  const reports = new Map<string, StepReport>(probe.report.steps.map((report) => [report.code, report]));
  return phase.steps.flatMap((step) => {
    const report = reports.get(step.code);
    return report?.status === "ok" ? [] : [{ step, found: report?.found ?? "not looked at" }];
  });
}

/**
 * The mark of the host at the time of the look, as words. A note of drift holds it, so that the same fact, broken again in
 * the same way after its repair, is another note: equal notes would be no change to Pulumi.
 */
export function seen(probe: Probe): string {
  if (probe.kind !== "reached" || probe.report.mark === undefined) return "not seen";
  const { machine, journalLines } = probe.report.mark;
  return `seen on machine ${machine} at journal line ${journalLines}`;
}

/** One line: what is wanted, what is there, what making it so costs. */
export function describe({ step, found }: Difference): string {
  const effect = step.effect === "none" ? "nothing stops" : `at most ${step.effect}`;
  return `${step.code}: wanted ${step.fact}; found ${found || "otherwise"}; effect ${effect}`;
}
