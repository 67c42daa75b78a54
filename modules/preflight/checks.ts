/**
 * Every check by name. The checks themselves are steps: facts without an apply. README.md shows this table; a test keeps the two
 * in step.
 */
import type { Check } from "./check.ts";
import { hostChecks } from "./host-checks.ts";
import { networkChecks } from "./network-checks.ts";
import { diskSpaceChecks } from "./disk-space-checks.ts";

/** By the second component of a step's code, `preflight.<name>` or `preflight.<name>.<object>`; in the order of the steps. */
export const checks = { ...hostChecks, ...networkChecks, ...diskSpaceChecks } as const;

export type CheckName = keyof typeof checks;

/** The check of a step with this code; undefined when it belongs to none. */
export function checkOf(code: string): Check | undefined {
  const [phase, name = ""] = code.split(".");
  return phase === "preflight" && Object.hasOwn(checks, name) ? checks[name as CheckName] : undefined;
}
