import { CommanderError } from "commander";
import { SealiftError } from "../../modules/core/errors.ts";
import { problemExitCode } from "./problem-exit-code.ts";

/** Exit codes of `sealift`, from sysexits.h where it has a matching code, so that scripts can tell kinds of failure apart. */
export const exitCodes: readonly (readonly [number, string])[] = [
  [0, "success"],
  [1, "unexpected error: please report it"],
  [2, "usage error, or Node.js is too old"],
  [65, "invalid content: a file, pin, lock or bundle"],
  [66, "missing input: bundle, lock or site"],
  [69, "unavailable: a download, a program or a host"],
  [73, "not enough free disk space"],
  [77, "not permitted: unsigned, or signature, key, serial or login refused"],
  [78, "a check of doctor failed on a host, or an application of status is not as the site wants it"],
  [79, "upgrade: something changes for this repository"],
];

/** The exit code for an error. */
export function exitCode(error: unknown): number {
  // Commander also reports --help and --version as errors, with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof SealiftError ? problemExitCode(error.problems) : 1;
}
