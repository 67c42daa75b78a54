/** Runs another program and collects what it prints, up to a bound: what it prints may come from elsewhere. */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { limits } from "./limits.ts";
import { endsWithUs, listen } from "./own-group.ts";

export interface ProgramOptions {
  /** Its standard input; absent: none. */
  readonly input?: Uint8Array | string;
  /** Its working directory; absent: this one's. */
  readonly directory?: string;
  /** Descriptor of an open file that it gets as its descriptor 3. */
  readonly inherited?: number;
  /** It is ended when it takes longer, in milliseconds; absent: never. */
  readonly timeoutMs?: number;
  /** Its environment; absent: this one's. */
  readonly env?: NodeJS.ProcessEnv;
  /** It is ended by this, with all that it has started, and does not outlive this process: it gets a process group and no terminal. */
  readonly until?: AbortSignal;
  /** It is ended when it prints more, in bytes. Default {@link limits}.output. */
  readonly most?: number;
}

export interface ProgramResult {
  /** 1 when it was ended by a signal. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  /** No more than {@link limits}.complaint of it; without white space at both ends. */
  readonly stderr: string;
}

/** A program that was ended because it printed without end. */
export class TooMuchOutput extends Error {}

/**
 * No shell: each argument arrives as it is. Whether one could be taken for an option is the caller's to see to.
 *
 * @throws the error of the system when it cannot be started, such as ENOENT; {@link TooMuchOutput}; the reason of `until`.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { input, directory, inherited, timeoutMs, env, until, most = limits.output }: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    until?.throwIfAborted();
    if (until !== undefined) listen();
    const child = spawn(program, args, {
      ...(directory === undefined ? {} : { cwd: directory }),
      ...(env === undefined ? {} : { env }),
      detached: until !== undefined,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe", inherited ?? "ignore"],
    });
    const group = until === undefined || child.pid === undefined ? undefined : endsWithUs(child.pid);
    const end = group?.end ?? ((): boolean => child.kill("SIGKILL"));
    let tooMuch = false;
    const stdout = collected(child.stdio[1], most, () => {
      tooMuch = true;
      end();
    });
    until?.addEventListener("abort", end, { once: true });
    // The one of spawn would keep this process waiting for a program that never began (Node 24).
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
    const forget = (): void => {
      clearTimeout(timer);
      until?.removeEventListener("abort", end);
      group?.forget();
    };
    const stderr = collected(child.stdio[2], limits.complaint, () => undefined);
    // It may refuse before it has read all; its exit code tells.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    child.on("error", (error) => {
      forget();
      reject(error);
    });
    child.on("close", (code, signal) => {
      forget();
      if (until?.aborted === true) reject(until.reason as Error);
      else if (tooMuch) reject(new TooMuchOutput(`more than ${most} bytes from ${program}`));
      else resolve({ exitCode: code ?? 1, signal, stdout: stdout(), stderr: stderr().toString().trim() });
    });
  });
}

/** @param beyond called when there is more than is kept. @returns what was kept. */
function collected(
  stream: Readable | Writable | null | undefined,
  most: number,
  beyond: () => void,
): () => Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (piece: Buffer) => {
    if (bytes < most) pieces.push(piece.subarray(0, most - bytes));
    bytes += piece.length;
    if (bytes > most) beyond();
  });
  return () => Buffer.concat(pieces);
}
