import { SealiftError } from "../../../modules/core/errors.ts";

/** A tool that no way leads to. */
export function toolProblem(subject: string, found: string, expected: string, fix: string): SealiftError {
  return new SealiftError([{ where: "this machine", code: "E_TOOL", subject, found, expected, fix }]);
}
