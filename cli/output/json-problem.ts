import { parsePlace } from "../../modules/core/document/frames.ts";
import type { Problem } from "../../modules/core/errors.ts";

/** A problem with the parts of its place as numbers, for an editor or a CI job that annotates files. */
export function jsonProblem<T extends Problem>(
  problem: T,
): T & { readonly line?: number; readonly column?: number } {
  const { line, column } = parsePlace(problem.where);
  return { ...problem, ...(line === undefined || column === undefined ? {} : { line, column }) };
}
