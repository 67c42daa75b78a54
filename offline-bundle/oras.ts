/** Runs `oras`: everything that reads or writes OCI layouts and registries, https://oras.land (v1.3). */
import { execFile } from "node:child_process";
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";

/**
 * Runs oras and gives its standard output without the last newline. The program is the one named by SEALIFT_ORAS, or
 * `oras` on the PATH. It has no time limit of its own: a pull takes as long as the bytes take.
 *
 * @param directory working directory; paths in `args` are relative to it.
 * @throws {SealiftError} E_TOOL when there is no oras; `code` with its own words when it fails.
 */
export function oras(
  args: readonly string[],
  directory: string,
  code: ErrorCode = "E_TOOL",
): Promise<string> {
  const program = process.env["SEALIFT_ORAS"] ?? "oras";
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      { cwd: directory, maxBuffer: maxOutputBytes, encoding: "utf8" },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout.trimEnd());
        else if (error.code === "ENOENT") reject(missing(program));
        else reject(failed(codeOf(code, stderr), args, stderr.trim() === "" ? error.message : stderr.trim()));
      },
    );
  });
}

/** A manifest is at most 4 MiB by the distribution specification (1.1, section "Pushing Manifests"). */
const maxOutputBytes = 8 * 1024 * 1024;

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
  return /no space left on device|disk quota exceeded/i.test(words) ? "E_SPACE" : code;
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
