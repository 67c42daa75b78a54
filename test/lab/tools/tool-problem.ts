import { SealiftError } from "../../../modules/core/errors.ts";

/** A tool that no way leads to. */
export function toolProblem(subject: string, got: string, expected: string, todo: string): SealiftError {
  return new SealiftError([{ where: "this machine", code: "E_TOOL", subject, got, expected, todo }]);
}
