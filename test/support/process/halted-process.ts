/** A program that is killed at a step which the test names: not after some time, but before a rename, a write, a start of another. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type Halt, reportDescriptor, variable } from "./halt-hook.ts";
import { killTree } from "./kill-tree.ts";
import { onExit } from "./on-exit.ts";

export interface HaltOptions extends Halt {
  readonly env?: Readonly<Record<string, string>>;
}

export interface Halted {
  /** Its steps in order, up to the one at which it was killed: `rename again`, `write again.part/index.json`, `run oras`. */
  readonly steps: readonly string[];
  /** Whether it came to the step; otherwise it ended by itself. */
  readonly killed: boolean;
  readonly exitCode: number | null;
}

export interface HaltedRun {
  /** Kills it and all that it has started now, as for what the test has seen from outside. */
  readonly kill: () => void;
  readonly ended: Promise<Halted>;
}

/** Starts a Node program, and kills it with all that it has started, as a power cut would, before the named step. */
export function startHalted(
  program: string,
  args: readonly string[],
  { env = {}, ...halt }: HaltOptions,
): HaltedRun {
  const hook = new URL("halt-hook.ts", import.meta.url).href;
  const child = spawn(process.execPath, ["--import", hook, program, ...args], {
    env: { ...process.env, ...env, [variable]: JSON.stringify(halt) },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const kill = (): void => {
    killTree(child.pid ?? 0);
  };
  const forget = onExit(kill);
  const steps: string[] = [];
  let killed = false;
  createInterface({ input: child.stdio[reportDescriptor] as Readable }).on("line", (line) => {
    const [how, what = ""] = line.split("\t");
    steps.push(what);
    if (how !== "halts") return;
    killed = true;
    kill();
  });
  const ended = once(child, "close").then(([exitCode]: (number | null)[]): Halted => {
    forget();
    return { steps, killed, exitCode: exitCode ?? null };
  });
  return { kill, ended };
}
