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

/** The table's row for a step of this code; undefined when it is of no check. */
export function checkOf(code: string): Check | undefined {
  const [phase, name = ""] = code.split(".");
  return phase === "preflight" && Object.hasOwn(checks, name) ? checks[name as CheckName] : undefined;
}
