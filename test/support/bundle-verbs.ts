/** `sealift bundle …` as a person types it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkout } from "../lab/cache.ts";
import { type ProcessResult, runProcess } from "./run-process.ts";

/** Runs a verb from the root of the checkout; it may fail. */
export function sealift(...args: readonly string[]): Promise<ProcessResult> {
  const program = join(checkout, "cli", "sealift.js");
  return runProcess(process.execPath, [program, "bundle", ...args], { cwd: checkout });
}

/** Runs a verb that must not fail. @returns what it prints. */
export async function done(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sealift(...args);
  assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The same with `--json`. @returns what it says, of the shape that the caller knows. */
export async function doneJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await done(...args, "--json")) as T;
}
