/** What a check means to the people who read its result. */
import type { ErrorCode, Problem } from "../core/errors.ts";

/** `fail` keeps every host as it is; `warn` is told, and work goes on. */
export type Level = "fail" | "warn";

/** Checks that are read together: a row of doctor's table. */
export const groups = ["system", "clock", "kernel", "engine", "network", "room"] as const;
export type Group = (typeof groups)[number];

export interface Check {
  readonly group: Group;
  readonly level: Level;
  readonly error: ErrorCode;
  /** What is looked at, for the README. */
  readonly looksAt: string;
  /** What to do about it, as an order. */
  readonly todo: string;
  /** The same for one host, out of what its check has found; undefined: as the two above. */
  readonly said?: (found: string) => Pick<Problem, "got" | "todo"> | undefined;
}
