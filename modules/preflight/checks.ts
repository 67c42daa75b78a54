/**
 * Every check by name. The checks themselves are steps: facts without an apply. README.md shows this table; a test holds
 * the two together.
 */
import type { Check } from "./check.ts";
import { hostChecks } from "./host-checks.ts";
import { networkChecks } from "./network-checks.ts";
import { roomChecks } from "./room-checks.ts";

/** By the second word of a step's code, `preflight.<name>` or `preflight.<name>.<of what>`; in the order of the steps. */
export const checks = { ...hostChecks, ...networkChecks, ...roomChecks } as const;

export type CheckName = keyof typeof checks;

/** The table's row for a step of this code. */
export function checkOf(code: string): Check {
  return checks[code.split(".")[1] as CheckName];
}
