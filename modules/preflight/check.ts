/** What the result of a check means to an operator. */
import type { ErrorCode, Problem } from "../core/errors.ts";

/** `fail` stops the run before any host is changed; `warn` is reported, and the run continues. */
export type Level = "fail" | "warn";

/** Checks of one group share a row in the table of doctor. */
export const groups = ["system", "clock", "kernel", "engine", "network", "space"] as const;
export type Group = (typeof groups)[number];

export interface Check {
  readonly group: Group;
  readonly level: Level;
  readonly error: ErrorCode;
  /** What the check reads; shown in the README. */
  readonly examines: string;
  /** How to correct it, in the imperative. */
  readonly fix: string;
  /** Found and fix for one host, derived from its finding; undefined: the finding and `fix` above. */
  readonly describe?: (found: string) => Pick<Problem, "found" | "fix"> | undefined;
}
