/** One program of the suite: a file of tests, a check, or a preparation. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { dirname } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import { killTree } from "../support/process/kill-tree.ts";
import { onExit } from "../support/process/on-exit.ts";
import type { Totals } from "./events.ts";
import { childSeconds } from "./processor-time.ts";

export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** After this it has hung, and is ended with all that it has started. */
  readonly limitMinutes: number;
  /** A file of node:test, whose tests are counted; anything else counts as one. */
  readonly counted: boolean;
  /** Its words go to the screen as they come. */
  readonly shown?: boolean;
  /** How far it steps back for what runs beside it: steps of nice(1) below this process. @default 0 */
  readonly niceness?: number;
}

export interface Outcome extends Totals {
  readonly seconds: number;
  /** Of one processor, its own and of all that it has started. */
  readonly processorSeconds: number;
  /** What it said, for a person to read when something failed. */
  readonly output: string;
}

const reporter = "./test/runner/events.ts";

/** Runs it to its end. Its words are kept in the cache, under log/tests/. */
export async function runProgram(program: Program): Promise<Outcome> {
  const base = cachePath("log", "tests", program.name.replaceAll("/", "."));
  const [log, totals] = [`${base}.log`, `${base}.json`];
  mkdirSync(dirname(log), { recursive: true });
  rmSync(totals, { force: true });
  const [file, ...args] = program.command;
  const flags = program.counted
    ? ["spec", "stdout", reporter, totals].map((value, at) => `${at % 2 === 0 ? kind : place}=${value}`)
    : [];
  const output = program.shown === true ? "inherit" : openSync(log, "w");
  const start = performance.now();
  const child = spawn(file, [...flags, ...args], {
    cwd: checkout,
    env: { ...process.env, ...program.env },
    stdio: ["ignore", output, output],
  });
  if (typeof output === "number") closeSync(output);
  stepBack(child.pid, program.niceness ?? 0);
  let processorSeconds = 0;
  child.once("exit", () => (processorSeconds = sinceLastEnd()));
  const forget = onExit(() => child.kill());
  const watched = { hung: false };
  const limit = setTimeout(() => {
    watched.hung = true;
    if (child.pid !== undefined) killTree(child.pid);
  }, program.limitMinutes * 60_000);
  const end = await once(child, "close").then(
    ([code, signal]: (number | string | null)[]) => (code === 0 ? "" : `ended with ${code ?? signal ?? "?"}`),
    (error: unknown) => String(error),
  );
  clearTimeout(limit);
  forget();
  const seconds = (performance.now() - start) / 1000;
  const problem = watched.hung
    ? `not over after ${program.limitMinutes} minutes: ended with all it had started`
    : end;
  const words = program.shown === true ? "" : readFileSync(log, "utf8").trimEnd();
  const result = program.counted ? readTotals(totals) : undefined;
  return {
    ...judge(result, problem),
    seconds,
    processorSeconds,
    output: [words, problem].filter(Boolean).join("\n"),
  };
}

function stepBack(pid: number | undefined, steps: number): void {
  if (pid === undefined || steps === 0) return;
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + steps));
  } catch {
    // It has ended already.
  }
}

/** The time of a program is added to that of all children when its end is noticed, so it is what has come since the last one. */
let counted = childSeconds();
function sinceLastEnd(): number {
  const before = counted;
  counted = childSeconds();
  return counted - before;
}

const kind = "--test-reporter";
const place = "--test-reporter-destination";

/** A program that fails without a failed test has failed all the same. */
function judge(counted: Totals | undefined, problem: string): Totals {
  if (counted === undefined) {
    return problem === "" ? { passed: 1, failed: 0, skipped: [] } : { passed: 0, failed: 1, skipped: [] };
  }
  return problem === "" ? counted : { ...counted, failed: Math.max(1, counted.failed) };
}

/** A file that ended before its tests have no totals. */
function readTotals(file: string): Totals {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: [] };
  const text = readFileSync(file, "utf8");
  return text === "" ? { passed: 0, failed: 1, skipped: [] } : (JSON.parse(text) as Totals);
}
