/** Turns a refusal into the one message that Pulumi prints without a stack trace. */
import * as pulumi from "@pulumi/pulumi";
import { withFrames } from "../document/frames.ts";
import { SealiftError, type Problem } from "../errors.ts";

/** @throws {pulumi.RunError} for a SealiftError; any other error keeps its stack trace. */
export async function asRunError<T>(probe: () => Promise<T>): Promise<T> {
  try {
    return await probe();
  } catch (error) {
    if (error instanceof SealiftError) throw new pulumi.RunError(withFrames(error.problems));
    throw error;
  }
}

/**
 * Reports all problems, each once, and makes the update fail, by an error that nothing catches. The program itself continues: its outputs stay in
 * the state, and no resource that it did not register is deleted (pulumi 3.259, sdk/nodejs/cmd/run: every uncaught error sets the exit code).
 */
export function failWith(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const first = new Map<string, Problem>();
  for (const one of problems) {
    const what = `${one.where} ${one.code} ${one.subject}`;
    if (!first.has(what)) first.set(what, one);
  }
  void Promise.reject(new pulumi.RunError(withFrames([...first.values()])));
}

/**
 * When a resource fails and others continue (`pulumi up --continue-on-error`), Pulumi reports the cause, and the SDK reports it again at the end as
 * an uncaught error with a stack trace. This shortens the second report to one line. Source: @pulumi/pulumi 3.259, runtime/resource.ts
 * (`failed to register`), cmd/run/run.ts (`uncaughtHandler`).
 */
export function reportFailuresOnce(): void {
  process.prependListener("unhandledRejection", shorten);
}

/** Shortens the SDK's error of a failed resource; leaves any other as it is. */
export function shorten(error: unknown): void {
  if (!(error instanceof Error)) return;
  const [, name] = /resource (\S+) \[\S+\] failed to register$/.exec(error.message) ?? [];
  if (name === undefined) return;
  error.message = `${name} failed; the resources that depend on it were not started. The error of ${name} gives the cause`;
  // How the SDK knows a RunError.
  Object.assign(error, { __pulumiRunError: true });
}
