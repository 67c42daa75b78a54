import assert from "node:assert/strict";
import { type ErrorCode, type Problem, SealiftError } from "../../../modules/core/errors.ts";

/** Waits for a refusal and gives its problems; fails when the work succeeds, or fails in another way. */
export async function assertRefused(work: Promise<unknown>): Promise<readonly Problem[]> {
  const outcome: unknown = await work.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof SealiftError, `expected a refusal, got ${String(outcome)}`);
  return outcome.problems;
}

/** The codes of a refusal, each once, sorted. */
export async function codesOf(work: Promise<unknown>): Promise<readonly ErrorCode[]> {
  return [...new Set((await assertRefused(work)).map(({ code }) => code))].sort();
}
