/** The last lines of a run. */
import { inSeconds } from "../support/process/stage-view.ts";
import { table } from "../support/process/table.ts";
import type { Outcome } from "./job-process.ts";
import type { ProcessorTime } from "./processor-time.ts";

export interface Done {
  readonly name: string;
  readonly part: string;
  /** Seconds after the start of the run. */
  readonly started: number;
  readonly outcome: Outcome;
}

/** Something of the run that this machine could not do. */
export interface NotRun {
  readonly name: string;
  readonly part: string;
  readonly why: string;
}

export interface Counts {
  readonly text: string;
  readonly good: boolean;
}

/**
 * @param leftOut names of the parts that only run when they are asked for.
 * @param strict in CI: what could not run has failed.
 */
export function summary(
  done: readonly Done[],
  notRun: readonly NotRun[],
  leftOut: readonly string[],
  strict: boolean,
  processors?: ProcessorTime,
): Counts {
  const count = (of: keyof Pick<Outcome, "passed" | "failed">): number =>
    done.reduce((sum, { outcome }) => sum + outcome[of], 0);
  const skipped = done.flatMap(({ name, outcome }) => outcome.skipped.map((test) => `${name}: ${test}`));
  const missing = [...notRun.map(({ name, why }) => `${name}: ${why}`), ...skipped];
  const failed = count("failed") + (strict ? missing.length : 0);
  const failures = done
    .filter(({ outcome }) => outcome.failed > 0)
    .flatMap(({ name, outcome }) => [`  npm test -- ${name}`, ...excerpt(outcome.output)]);
  const blocks = [
    partTable(done, notRun),
    slowest(done),
    processors === undefined ? "" : shares(processors),
    block(strict ? "Could not run, which fails a run in CI" : "Could not run on this machine", missing),
    block(
      "Left out, because it is long",
      leftOut.map((name) => `npm test -- ${name}`),
    ),
    failures.length === 0 ? "" : ["Failed; to run one again:", ...failures].join("\n"),
    `${count("passed")} passed, ${failed} failed`,
  ];
  return { text: blocks.filter((each) => each !== "").join("\n\n"), good: failed === 0 };
}

/** Parts run beside each other: from its first start to its last end, and what its programs took together. */
function partTable(done: readonly Done[], notRun: readonly NotRun[]): string {
  const names = [...new Set([...done, ...notRun].map(({ part }) => part))];
  const rows = names.map((name) => {
    const own = done.filter(({ part }) => part === name);
    const from = Math.min(...own.map(({ started: startedAt }) => startedAt));
    const to = Math.max(...own.map(({ started: startedAt, outcome }) => startedAt + outcome.seconds));
    const sum = (of: "passed" | "failed" | "seconds" | "processorSeconds"): number =>
      own.reduce((all, { outcome }) => all + outcome[of], 0);
    if (own.length === 0) return [name, "not run", "", "", "", ""];
    return [
      name,
      sum("failed") > 0 ? "FAILED" : "passed",
      sum("passed") + sum("failed") === 0 ? "" : `${sum("passed")} of ${sum("passed") + sum("failed")}`,
      inSeconds(to - from),
      own.length === 1 ? "" : `${own.length} programs, ${inSeconds(sum("seconds"))} one after the other`,
      `${inSeconds(sum("processorSeconds"))} of a processor`,
    ];
  });
  return table(rows);
}

function slowest(done: readonly Done[]): string {
  const most = 10;
  const rows = done
    .toSorted((a, b) => b.outcome.seconds - a.outcome.seconds)
    .slice(0, most)
    .map(({ name, outcome }) => [
      `  ${name}`,
      inSeconds(outcome.seconds),
      `${inSeconds(outcome.processorSeconds)} of a processor`,
    ]);
  return rows.length < 2 ? "" : `The slowest:\n${table(rows)}`;
}

/** A run that had to share its processors is no measure of how long it takes. */
function shares({ own, others, available }: ProcessorTime): string {
  const part = (seconds: number): string => `${Math.round((100 * seconds) / Math.max(1, available))} %`;
  return `The processors: ${part(own)} this run (${inSeconds(own)} of one), ${part(others)} other programs, the rest idle.`;
}

/** Of what a failed program printed: the part after the reporter's headline, or the end. A run in CI shows little more than the end of a log. */
function excerpt(output: string): readonly string[] {
  const most = 30;
  const [, failing] = output.split(/^✖ failing tests:$/m);
  const lines = (failing ?? output).split("\n").filter((line) => line.trim() !== "");
  const part = failing === undefined ? lines.slice(-most) : lines.slice(0, most);
  return part.map((line) => `  | ${line.slice(0, 300)}`);
}

function block(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`${title}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}
