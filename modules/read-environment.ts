/** An environment as it counts, without its bundle and without asking any host. */
import { readLock, type Lock } from "../offline-bundle/lock-file.ts";
import { SealiftError } from "./core/errors.ts";
import { completeSite, composeSite, type Site } from "./core/site.ts";
import { linesOf } from "./lines.ts";
import { lockOf } from "./lock-of.ts";
import { readStackFile } from "./stack-file.ts";

export interface Environment {
  readonly name: string;
  readonly file: string;
  readonly site: Site;
  /** The lock that the site names, or that of its bundle; undefined when neither can be read. */
  readonly lock: Lock | undefined;
}

/** @throws {SealiftError} with every problem of the site file. */
export async function readEnvironment(name: string): Promise<Environment> {
  const { file, value } = readStackFile(name);
  const composed = composeSite(value, file);
  const site = completeSite(composed, await linesOf(composed.value));
  const lockFile = lockOf(composed.value);
  const lock = lockFile === undefined ? undefined : await readLock(lockFile).catch(unreadable);
  return { name, file, site, lock };
}

/** What is wrong with it is told where the bundle is checked. */
function unreadable(error: unknown): undefined {
  if (error instanceof SealiftError) return undefined;
  throw error;
}
