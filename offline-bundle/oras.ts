/** Runs `oras`: everything that reads or writes OCI layouts and registries, https://oras.land (v1.3). */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";
import { saysFull } from "./room.ts";

/**
 * Runs oras and gives its standard output without the last newline. The program is the one named by SEALIFT_ORAS, or
 * `oras` on the PATH. It has no time limit of its own: a pull takes as long as the bytes take.
 *
 * @param directory working directory; paths in `args` are relative to it.
 * @param inherited descriptor of an open file, which oras can read as {@link inheritedFile}.
 * @throws {SealiftError} E_TOOL when there is no oras; `code` with its own words when it fails.
 */
export async function oras(
  args: readonly string[],
  directory: string,
  code: ErrorCode = "E_TOOL",
  inherited?: number,
): Promise<string> {
  return (await orasBytes(args, directory, code, inherited)).toString().trimEnd();
}

/** The same, and its standard output byte for byte. */
export function orasBytes(
  args: readonly string[],
  directory: string,
  code: ErrorCode = "E_TOOL",
  inherited?: number,
): Promise<Buffer> {
  const program = process.env["SEALIFT_ORAS"] ?? "oras";
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe", inherited ?? "ignore"],
    });
    const [stdout, stderr] = [bytesOf(child.stdio[1]), bytesOf(child.stdio[2])];
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? missing(program) : failed(code, args, error.message));
    });
    child.on("close", (exitCode, signal) => {
      const words = stderr().toString().trim();
      if (exitCode === 0) resolve(stdout());
      else
        reject(
          failed(codeOf(code, words), args, words === "" ? `ended by ${signal ?? String(exitCode)}` : words),
        );
    });
  });
}

/** Under this name oras finds the file that it was given open. */
export const inheritedFile = "/dev/fd/3";

function bytesOf(stream: Readable | Writable | null | undefined): () => Buffer {
  const pieces: Buffer[] = [];
  stream?.on("data", (piece: Buffer) => pieces.push(piece));
  return () => Buffer.concat(pieces);
}

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
      got: words.replaceAll(/\s*\n\s*/g, " "),
      expected: "exit code 0",
      todo: "check the name, the login and the network, then run it again",
    },
  ]);
}
