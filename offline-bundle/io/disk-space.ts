/** Free space: checked before a run starts, and reported when a disk fills up during the run. */
import { stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";

/** Something that is about to be written. */
export interface SpaceNeed {
  /** Name for messages: `the bundle`. */
  readonly what: string;
  /** File or folder that will be written; it need not exist. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Refuses when a file system has less free space than everything that will be written to it; the needs of one file system are
 * added up.
 *
 * @throws {SealiftError} E_NO_SPACE for every file system that is too full.
 */
export async function requireDiskSpace(needs: readonly SpaceNeed[]): Promise<void> {
  const disks = new Map<
    number,
    { readonly at: string; readonly free: number; readonly needs: SpaceNeed[] }
  >();
  for (const need of needs) {
    const at = await existing(need.path);
    const { dev } = await stat(at);
    const disk = disks.get(dev) ?? { at, free: await freeBytes(at), needs: [] };
    disks.set(dev, { ...disk, needs: [...disk.needs, need] });
  }
  refuse([...disks.values()].flatMap(({ at, free, needs: all }) => tooFull(at, free, all)));
}

/**
 * Runs work that writes to `path`; a disk that fills up meanwhile is reported like one that was too full from the start.
 *
 * @throws {SealiftError} E_NO_SPACE; every other error as it is.
 */
export async function explainFullDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isFull(error) ? await fullDiskError(path) : error;
  }
}

/** E_NO_SPACE about a disk that filled up while `path` was written. */
async function fullDiskError(path: string): Promise<SealiftError> {
  const free = await freeBytes(await existing(path)).catch(() => 0);
  return new SealiftError([
    problem(path, "free space on the disk", `${free} bytes free: the disk filled up during the run`),
  ]);
}

/** Whether an error means that a disk is full, in the system's words or in those of a program. */
export function isFull(error: unknown): boolean {
  if (error instanceof SealiftError) return error.problems.some(({ found }) => isFullMessage(found));
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** The same for a program's output. */
export function isFullMessage(words: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(words);
}

function tooFull(at: string, free: number, needs: readonly SpaceNeed[]): readonly Problem[] {
  const bytes = needs.reduce((sum, need) => sum + need.bytes, 0);
  if (bytes <= free) return [];
  const what = needs.filter((need) => need.bytes > 0).map((need) => `${need.what} ${need.bytes}`);
  return [problem(at, what.join(", "), `${free} bytes free`, `${bytes} bytes free`)];
}

function problem(where: string, subject: string, found: string, expected = "enough free space"): Problem {
  const fix = "free up space or choose a path on another disk, then run the command again";
  return { where, code: "E_NO_SPACE", subject, found, expected, fix };
}

/** Bytes available to a user other than root on the file system of an existing path. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** The path, or its nearest existing parent. */
async function existing(path: string): Promise<string> {
  let at = resolve(path);
  while (!(await stat(at).catch(() => false)) && at !== dirname(at)) at = dirname(at);
  return at;
}
