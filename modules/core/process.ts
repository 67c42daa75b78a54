/** Runs other programs: the only product file that starts one. What a program prints is external input, and bounded. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { Duplex, type Readable, type Writable } from "node:stream";
import { idleTimeout } from "./idle-timeout.ts";
import { endsWithUs, listen } from "./process-group.ts";

type ProgramInput = Uint8Array | string;

export interface ProgramOptions {
  /** Standard input, or its parts, none of which is copied; absent: none. */
  readonly input?: ProgramInput | readonly ProgramInput[];
  /** Working directory; absent: that of this process. */
  readonly directory?: string;
  /** Environment; absent: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Descriptor of an open file, which the program gets as its descriptor 3. */
  readonly inherited?: number;
  /** Time limit in milliseconds; absent: none. The result then has the signal SIGKILL. */
  readonly timeoutMs?: number;
  /** The program is killed when it prints nothing on either stream for this many milliseconds; absent: no limit. */
  readonly idleMs?: number;
  /**
   * Aborting kills the program and everything that it started: it runs in a process group of its own, without the terminal, and does
   * not outlive this process.
   */
  readonly until?: AbortSignal;
  /** The program is killed when it prints more than this on standard output, in bytes. Default {@link defaultMaxOutput}. */
  readonly maxOutput?: number;
  /** The same for standard error; absent: the first {@link keptErrors} bytes are kept, and the rest is dropped. */
  readonly maxErrors?: number;
  /** Called at the first byte on standard output. */
  readonly onOutput?: () => void;
  /** Called with every part of standard output, as it arrives. */
  readonly onPart?: (part: Buffer) => void;
}

export interface ProgramResult {
  /** 1 after a signal. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  /** Without white space at both ends. */
  readonly stderr: string;
}

/** 64 MiB. */
export const defaultMaxOutput = 64 * 1024 * 1024;

/** 64 KiB. */
export const keptErrors = 64 * 1024;

/** The program was killed, and this is what it had printed until then. */
export class KilledProgram extends Error {
  readonly result: ProgramResult;

  constructor(message: string, result: ProgramResult) {
    super(message);
    this.result = result;
  }
}

/** It printed more than it may. */
export class TooMuchOutput extends KilledProgram {}

/** It printed nothing for `idleMs`. */
export class IdleProgram extends KilledProgram {}

/**
 * Runs a program to its end. No shell: each argument arrives as it is. The caller makes sure that no external value becomes an option
 * (docs/decisions/0019).
 *
 * @throws the error of the system when it cannot be started, such as ENOENT; {@link TooMuchOutput}; {@link IdleProgram}; the reason of
 * `until`.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { input, directory, inherited, timeoutMs, idleMs, env, until, onOutput, onPart } = options;
  const { maxOutput = defaultMaxOutput, maxErrors } = options;
  return new Promise((resolve, reject) => {
    until?.throwIfAborted();
    if (until !== undefined) listen();
    const child = spawn(program, args, {
      ...(directory === undefined ? {} : { cwd: directory }),
      ...(env === undefined ? {} : { env }),
      detached: until !== undefined,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe", inherited ?? "ignore"],
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
    const group = until === undefined || child.pid === undefined ? undefined : endsWithUs(child.pid);
    const end = group?.end ?? ((): boolean => child.kill("SIGKILL"));
    let killed: ((result: ProgramResult) => KilledProgram) | undefined;
    const tooMuch = (bytes: number) => (): void => {
      killed ??= (result) => new TooMuchOutput(`more than ${bytes} bytes from ${program}`, result);
      end();
    };
    const idle =
      idleMs === undefined
        ? undefined
        : idleTimeout(idleMs, () => {
            killed ??= (result) =>
              new IdleProgram(`no output from ${program} for ${idleMs / 1000} s`, result);
            end();
          });
    // The timeout of spawn would keep this process waiting for a program that never started (Node 24).
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
    until?.addEventListener("abort", end, { once: true });
    const forget = (): void => {
      clearTimeout(timer);
      idle?.end();
      until?.removeEventListener("abort", end);
      group?.forget();
    };
    const stdout = collected(child.stdout, maxOutput, tooMuch(maxOutput));
    const stderr =
      maxErrors === undefined
        ? collected(child.stderr, keptErrors, () => undefined)
        : collected(child.stderr, maxErrors, tooMuch(maxErrors));
    if (onOutput !== undefined) child.stdout.once("data", onOutput);
    if (onPart !== undefined) child.stdout.on("data", onPart);
    if (idle !== undefined) for (const stream of [child.stdout, child.stderr]) stream.on("data", idle.active);
    // A program may end before it has read everything; its exit code gives the reason.
    child.stdin?.on("error", () => undefined);
    for (const part of [input ?? []].flat()) child.stdin?.write(part);
    child.stdin?.end();
    child.on("error", (error) => {
      forget();
      reject(error);
    });
    child.on("close", (code, signal) => {
      forget();
      const result = { exitCode: code ?? 1, signal, stdout: stdout(), stderr: stderr().toString().trim() };
      if (until?.aborted === true) reject(until.reason as Error);
      else if (killed !== undefined) reject(killed(result));
      else resolve(result);
    });
  });
}

/**
 * Runs a program that has the terminal of this process, such as an editor. An interrupt from the keyboard reaches both: the program
 * decides what it means, and this process continues when the program has ended. Other signals end both.
 *
 * @throws the error of the system when it cannot be started, such as ENOENT.
 */
export function runOnTerminal(
  program: string,
  args: readonly string[],
): Promise<Pick<ProgramResult, "exitCode" | "signal">> {
  return new Promise((resolve, reject) => {
    const wait = (): void => undefined;
    const endBoth = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    const forget = (): void => {
      process.off("SIGINT", wait);
      for (const signal of ["SIGHUP", "SIGTERM"] as const) process.off(signal, endBoth);
    };
    // A signal may arrive as soon as the program runs.
    process.on("SIGINT", wait);
    for (const signal of ["SIGHUP", "SIGTERM"] as const) process.on(signal, endBoth);
    const child = spawn(program, args, { stdio: "inherit" });
    child.on("error", (error) => {
      forget();
      reject(error);
    });
    child.on("close", (code, signal) => {
      forget();
      resolve({ exitCode: code ?? 1, signal });
    });
  });
}

/**
 * A program as a filter: what is written to the stream is its standard input, what is read is its standard output. Its messages and its
 * exit code are dropped, so the reader must be able to tell complete output from truncated output.
 *
 * @throws the error of the system when it cannot be started, such as ENOENT.
 */
export async function programFilter(program: string, args: readonly string[]): Promise<Duplex> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  await once(child, "spawn");
  child.stdin.on("error", () => undefined);
  return Duplex.from({ writable: child.stdin, readable: child.stdout });
}

/** @param beyond called when there is more than is kept. @returns what was kept. */
function collected(stream: Readable, most: number, beyond: () => void): () => Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (piece: Buffer) => {
    if (bytes < most) pieces.push(piece.subarray(0, most - bytes));
    bytes += piece.length;
    if (bytes > most) beyond();
  });
  return () => Buffer.concat(pieces);
}
