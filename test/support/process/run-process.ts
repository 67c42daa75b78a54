import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onExit } from "./on-exit.ts";

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** File to which every line of both streams is appended. */
  readonly log?: string;
  /** Called for each line; return true to keep it out of the result and the log. */
  readonly onLine?: (line: string) => boolean;
}

export interface ProcessResult {
  /** The exit code; 128 + number after a signal would be the shell's way, here it is 1. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a shell and reads its lines; it is ended with this process. A program that cannot be started
 * gives exit code 127 and the reason in stderr, so that a caller has one way to look at failures.
 */
export function runProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  if (options.log !== undefined) mkdirSync(dirname(options.log), { recursive: true });
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const forget = onExit(() => {
    child.kill();
  });
  const stdout = collect(child.stdout, options);
  const stderr = collect(child.stderr, options);
  return new Promise((resolve) => {
    const end = (exitCode: number, reason?: string): void => {
      forget();
      resolve({
        exitCode,
        stdout: stdout.join("\n"),
        stderr: [...stderr, ...(reason === undefined ? [] : [reason])].join("\n"),
      });
    };
    child.on("error", (error) => {
      end(127, error.message);
    });
    child.on("close", (code) => {
      end(code ?? 1);
    });
  });
}

function collect(stream: Readable, { log, onLine }: ProcessOptions): readonly string[] {
  const lines: string[] = [];
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", (line) => {
    if (onLine?.(line) === true) return;
    lines.push(line);
    if (log !== undefined) appendFileSync(log, `${line}\n`);
  });
  return lines;
}
