/** Runs `oras` for everything that reads or writes OCI layouts and registries, https://oras.land (v1.3). */
import { type ErrorCode, SealiftError } from "../../modules/core/errors.ts";
import {
  defaultMaxOutput,
  type ProgramResult,
  runProgram,
  TooMuchOutput,
} from "../../modules/core/process.ts";
import { visibleOneLine } from "../../modules/core/visible.ts";
import { type Growth, watchGrowth } from "./growth.ts";
import { isFullMessage } from "../io/disk-space.ts";
import { maxTimerMs } from "../http/watchdog.ts";

export interface OrasOptions {
  /** The error code for a failure. Default E_TOOL. */
  readonly code?: ErrorCode;
  /** Open file that oras can read as {@link inheritedFile}. */
  readonly inherited?: number;
  /** Output limit in bytes. Default {@link defaultMaxOutput}. */
  readonly most?: number;
  /** Time limit in milliseconds. Default five minutes, for queries and small responses; none with `grows`. */
  readonly timeoutMs?: number;
  /** What it writes; it may run as long as the bytes take. */
  readonly grows?: Growth;
  /** Also ends it: the time limit of the enclosing operation. */
  readonly until?: AbortSignal;
}

const questionMs = 300_000;

/**
 * Runs oras and returns its standard output without the last newline. The program is SEALIFT_ORAS, or `oras` on the PATH. It has
 * a time limit or is watched, ends with this process, and uses plain HTTP only for this machine.
 *
 * @param verb the command and its options, each value behind its own option.
 * @param names operands: references, tags and files, which may be untrusted. They follow `--`, so that none of them is taken for
 * an option.
 * @param directory working directory; paths in both are relative to it.
 * @throws {SealiftError} E_TOOL without oras; `code` with its own words when it fails.
 */
export async function oras(
  verb: readonly string[],
  names: readonly string[],
  directory: string,
  options: OrasOptions = {},
): Promise<string> {
  return (await orasBytes(verb, names, directory, options)).toString().trimEnd();
}

/** The same, with the standard output byte for byte. */
export async function orasBytes(
  verb: readonly string[],
  names: readonly string[],
  directory: string,
  { code = "E_TOOL", most = defaultMaxOutput, timeoutMs, grows, until, ...options }: OrasOptions = {},
): Promise<Buffer> {
  const program = process.env["SEALIFT_ORAS"] ?? "oras";
  const shown = [...verb, ...names];
  const watch = grows === undefined ? timeLimit(timeoutMs ?? questionMs) : watchGrowth(grows);
  const { exitCode, signal, stdout, stderr } = await runProgram(program, [...verb, "--", ...names], {
    ...options,
    maxOutput: most,
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

/** @param ms time limit, after which the signal fires unless `end` was called. */
export function timeLimit(ms: number): ReturnType<typeof watchGrowth> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => {
      controller.abort(new Error(`timed out after ${ms / 1_000} s`));
    },
    Math.min(ms, maxTimerMs),
  );
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
    },
  };
}

/**
 * oras follows redirects of a registry, also from https to http. An http proxy at an invalid port prevents that; Go uses no proxy
 * for this machine's own addresses, nor for the hosts in NO_PROXY, which stays unchanged because an https proxy needs it.
 */
function tlsOnly(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const nowhere = "http://127.0.0.1:0";
  const proxied = (env["HTTPS_PROXY"] ?? env["https_proxy"] ?? "") !== "";
  return {
    ...{ HTTP_PROXY: nowhere, http_proxy: nowhere },
    ...(proxied ? {} : { NO_PROXY: "", no_proxy: "" }),
  };
}

/** The path under which oras finds the inherited open file. */
export const inheritedFile = "/dev/fd/3";

/** For a catch: undefined for what a registry does not have; any other error is rethrown. */
export function undefinedWhenAbsent(error: unknown): undefined {
  if (error instanceof SealiftError && error.problems.every(({ found }) => /: not found\b/.test(found)))
    return;
  throw error;
}

function missing(program: string): SealiftError {
  return new SealiftError([
    {
      where: "this machine",
      code: "E_TOOL",
      subject: program,
      found: "no such program",
      expected: "oras 1.3 on the PATH",
      fix: "install oras (https://oras.land/docs/installation), or set SEALIFT_ORAS to its path",
    },
  ]);
}

/** A full disk is not the registry's fault. */
function codeOf(code: ErrorCode, words: string): ErrorCode {
  return isFullMessage(words) ? "E_NO_SPACE" : code;
}

function failed(code: ErrorCode, args: readonly string[], words: string): SealiftError {
  return new SealiftError([
    {
      where: "oras",
      code,
      subject: args.join(" "),
      found: visibleOneLine(words),
      expected: "exit code 0",
      fix: /sha256:[0-9a-f]{64}: not found\b/.test(words)
        ? "the registry lacks this part of the image: have the image pushed there again, then run the command again"
        : "check the name, the login and the network, then run the command again",
    },
  ]);
}
