/** Runs `oras`: everything that reads or writes OCI layouts and registries, https://oras.land (v1.3). */
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";
import { oneLine } from "../modules/core/visible.ts";
import { type Growth, watchGrowth } from "./growth.ts";
import { type ProgramResult, runProgram, TooMuchOutput } from "./program.ts";
import { saysFull } from "./room.ts";
import { longestTimerMs } from "./watchdog.ts";

export interface OrasOptions {
  /** What a failure is told as. Default E_TOOL. */
  readonly code?: ErrorCode;
  /** Descriptor of an open file, which oras can read as {@link inheritedFile}. */
  readonly inherited?: number;
  /** More output than this is refused, in bytes. Default limits.output. */
  readonly most?: number;
  /** It is ended when it takes longer, in milliseconds. Default five minutes, for questions and small answers; with `grows` no default. */
  readonly timeoutMs?: number;
  /** What it writes, for as long as the bytes take. */
  readonly grows?: Growth;
  /** It is ended by this besides: what it is a part of takes too long. */
  readonly until?: AbortSignal;
}

const questionMs = 300_000;

/**
 * Runs oras and gives its standard output without the last newline. The program is the one named by SEALIFT_ORAS, or
 * `oras` on the PATH. It has a time limit or is watched, ends with this process, and asks nobody without TLS but this machine.
 *
 * @param verb the command and its options, each value behind its own.
 * @param names what it is about: references, tags and files, which may come from elsewhere. They stand behind `--`, so that none of
 * them is taken for an option, whatever it begins with.
 * @param directory working directory; paths in both are relative to it.
 * @throws {SealiftError} E_TOOL when there is no oras; `code` with its own words when it fails.
 */
export async function oras(
  verb: readonly string[],
  names: readonly string[],
  directory: string,
  options: OrasOptions = {},
): Promise<string> {
  return (await orasBytes(verb, names, directory, options)).toString().trimEnd();
}

/** The same, and its standard output byte for byte. */
export async function orasBytes(
  verb: readonly string[],
  names: readonly string[],
  directory: string,
  { code = "E_TOOL", timeoutMs, grows, until, ...options }: OrasOptions = {},
): Promise<Buffer> {
  const program = process.env["SEALIFT_ORAS"] ?? "oras";
  const shown = [...verb, ...names];
  const watch = grows === undefined ? timeLimit(timeoutMs ?? questionMs) : watchGrowth(grows);
  const { exitCode, signal, stdout, stderr } = await runProgram(program, [...verb, "--", ...names], {
    ...options,
    directory,
    env: { ...process.env, ...tlsOnly(process.env) },
    until: until === undefined ? watch.signal : AbortSignal.any([watch.signal, until]),
  })
    .catch((error: unknown): ProgramResult => {
      if (error instanceof TooMuchOutput) throw failed(code, shown, error.message);
      const absent = error instanceof Error && "code" in error && error.code === "ENOENT";
      throw absent
        ? missing(program)
        : failed(code, shown, error instanceof Error ? error.message : String(error));
    })
    .finally(watch.end);
  if (exitCode === 0) return stdout;
  throw failed(
    codeOf(code, stderr),
    shown,
    stderr === "" ? `ended by ${signal ?? String(exitCode)}` : stderr,
  );
}

/** @param ms after which the signal is given; until `end` is called. */
export function timeLimit(ms: number): ReturnType<typeof watchGrowth> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => {
      controller.abort(new Error(`no end after ${ms / 1_000} s`));
    },
    Math.min(ms, longestTimerMs),
  );
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
    },
  };
}

/**
 * oras follows wherever a registry leads, also from https to http. A proxy for http at a port that nobody can have keeps it from there; Go
 * asks none for this machine's own addresses, nor for the hosts of NO_PROXY, which are left alone where a proxy for https needs them.
 */
function tlsOnly(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const nowhere = "http://127.0.0.1:0";
  const proxied = (env["HTTPS_PROXY"] ?? env["https_proxy"] ?? "") !== "";
  return {
    ...{ HTTP_PROXY: nowhere, http_proxy: nowhere },
    ...(proxied ? {} : { NO_PROXY: "", no_proxy: "" }),
  };
}

/** Under this name oras finds the file that it was given open. */
export const inheritedFile = "/dev/fd/3";

/** For a catch: what a registry does not have is undefined, and anything else is thrown on. */
export function undefinedWhenAbsent(error: unknown): undefined {
  if (error instanceof SealiftError && error.problems.every(({ got }) => /: not found\b/.test(got))) return;
  throw error;
}

function missing(program: string): SealiftError {
  return new SealiftError([
    {
      where: "this machine",
      code: "E_TOOL",
      subject: program,
      got: "no such program",
      expected: "oras 1.3 on the PATH",
      todo: "install oras (https://oras.land/docs/installation) or name it in SEALIFT_ORAS",
    },
  ]);
}

/** A full disk is no fault of the registry. */
function codeOf(code: ErrorCode, words: string): ErrorCode {
  return saysFull(words) ? "E_SPACE" : code;
}

function failed(code: ErrorCode, args: readonly string[], words: string): SealiftError {
  return new SealiftError([
    {
      where: "oras",
      code,
      subject: args.join(" "),
      got: oneLine(words),
      expected: "exit code 0",
      todo: "check the name, the login and the network, then run it again",
    },
  ]);
}
