/** A program's run, measured from outside: how long it took, and how much memory the largest process of it had. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { cachePath } from "../lab/cache.ts";
import { onExit } from "../support/process/on-exit.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** On its standard input. */
  readonly input?: string;
  /** What it may say on stderr when it fails and has done all of its work even so. */
  readonly forgiven?: RegExp;
}

export interface Run {
  readonly seconds: number;
  /** Seconds of processor time of all its processes: what is left of a figure when the machine is busy with other things. */
  readonly cpuSeconds: number;
  /** What the kernel calls the maximum resident set size; of a process and those it waited for, the largest one. */
  readonly peakBytes: number;
}

/**
 * Runs it to its end.
 *
 * @throws {Error} with what it wrote to stderr when it fails.
 */
export async function measured({ program, args, env, cwd, input, forgiven }: Command): Promise<Run> {
  const record = cachePath("bench", `peak-${process.pid}`);
  await mkdir(dirname(record), { recursive: true });
  const start = performance.now();
  const child = spawn("time", ["-f", "%M %U %S", "-o", record, program, ...args], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const forget = onExit(() => child.kill());
  // A program that does not read it closes the pipe.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  let words = "";
  child.stderr.on("data", (data: Buffer) => (words = (words + data.toString()).slice(-4000)));
  const [code] = (await once(child, "close")) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  forget();
  if (code !== 0 && forgiven?.test(words) !== true)
    throw new Error(`${program} ${args.join(" ")}: exit ${code ?? "by a signal"}\n${words}`);
  // Before the figure stands a line about the exit code, if it was not 0.
  const line = (await readFile(record, "utf8")).trim().split("\n").at(-1) ?? "";
  const [kilobytes = NaN, user = NaN, system = NaN] = line.split(" ").map(Number);
  await rm(record);
  return { seconds, cpuSeconds: user + system, peakBytes: kilobytes * 1024 };
}

/**
 * Runs all of them one after the other, and again, so that whatever else the machine does meets all of them alike.
 *
 * @returns for each name the medians.
 */
export async function sideBySide<Name extends string>(
  runs: number,
  work: Readonly<Record<Name, () => Promise<Run>>>,
): Promise<Readonly<Record<Name, Run>>> {
  const names = Object.keys(work) as Name[];
  const all = Object.fromEntries(names.map((name) => [name, [] as Run[]])) as Record<Name, Run[]>;
  for (let round = 0; round < runs; round++) for (const name of names) all[name].push(await work[name]());
  const medians = names.map((name) => {
    const median = (pick: (run: Run) => number): number => middle(all[name].map(pick));
    const run: Run = {
      seconds: median(({ seconds }) => seconds),
      cpuSeconds: median(({ cpuSeconds }) => cpuSeconds),
      peakBytes: median(({ peakBytes }) => peakBytes),
    };
    return [name, run];
  });
  return Object.fromEntries(medians) as Record<Name, Run>;
}

export function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Runs commands one after the other as if they were one: their seconds together, the largest of their processes. */
export async function inTurn(commands: readonly Command[]): Promise<Run> {
  let all: Run = { seconds: 0, cpuSeconds: 0, peakBytes: 0 };
  for (const command of commands) {
    const { seconds, cpuSeconds, peakBytes } = await measured(command);
    all = {
      seconds: all.seconds + seconds,
      cpuSeconds: all.cpuSeconds + cpuSeconds,
      peakBytes: Math.max(all.peakBytes, peakBytes),
    };
  }
  return all;
}
