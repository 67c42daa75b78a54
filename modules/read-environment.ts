/** An environment as it counts, without its bundle and without asking any host. */
import { join } from "node:path";
import { inside } from "../offline-bundle/layout.ts";
import { readLock, type Lock } from "../offline-bundle/lock-file.ts";
import { SealiftError } from "./core/errors.ts";
import type { Composed } from "./core/layers/compose.ts";
import { isObject } from "./core/layers/traced.ts";
import { completeSite, composeSite } from "./core/site.ts";
import type { Site } from "./core/site-spec.ts";
import { linesIn } from "./lines.ts";
import { readStackFile } from "./stack-file.ts";

export interface Environment {
  /** The stack file, as messages show it. */
  readonly file: string;
  /** What was written, and where. */
  readonly composed: Composed;
  readonly site: Site;
  /** The lock that the site names, or that of its bundle; undefined when neither can be read. */
  readonly lock: Lock | undefined;
}

/** @param name as in stacks/Pulumi.<name>.yaml. @throws {SealiftError} with every problem of the site file. */
export function readEnvironment(name: string): Promise<Environment> {
  const { file, value } = readStackFile(name);
  return environmentOf(value, file);
}

/** The same of a value that is there already. @throws {SealiftError} with every problem of the site file. */
export async function environmentOf(value: unknown, file: string): Promise<Environment> {
  const composed = composeSite(value, file);
  const lock = await lockOf(composed.value);
  const site = completeSite(composed, lock === undefined ? undefined : linesIn(lock));
  return { file, composed, site, lock };
}

/** @param site as it is written; whether it is right has not been looked at yet. */
async function lockOf(site: unknown): Promise<Lock | undefined> {
  const { lock, directory } = isObject(site) && isObject(site["bundle"]) ? site["bundle"] : {};
  const own = typeof directory === "string" ? join(directory, inside.lock) : undefined;
  const file = typeof lock === "string" ? lock : own;
  try {
    return file === undefined ? undefined : await readLock(file);
  } catch (error) {
    // What is wrong with it is told where the bundle is checked.
    if (error instanceof SealiftError) return undefined;
    throw error;
  }
}
