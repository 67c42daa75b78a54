/** Turns a refusal into the one message that Pulumi prints without a stack trace. */
import * as pulumi from "@pulumi/pulumi";
import { SealiftError, type Problem } from "./errors.ts";

/** @throws {pulumi.RunError} for what a person can mend; anything else keeps its stack. */
export async function explain<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SealiftError) throw new pulumi.RunError(error.message);
    throw error;
  }
}

/**
 * Tells all problems, each once, and has Pulumi end with failing, by an error that nobody catches. The program itself goes on: what it exports is kept
 * in the state, and nothing that it has not made is deleted (pulumi 3.259, sdk/nodejs/cmd/run: every uncaught error sets the exit code).
 */
export function failWith(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const first = new Map<string, Problem>();
  for (const one of problems) {
    const what = `${one.where} ${one.code} ${one.subject}`;
    if (!first.has(what)) first.set(what, one);
  }
  void Promise.reject(new pulumi.RunError(new SealiftError([...first.values()]).message));
}
