/** Room on disks: asked for before a run starts, and told as such when it ends in the middle. */
import { stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";

/** Something that is about to be written. */
export interface Need {
  /** What it is, for people: `the bundle`. */
  readonly what: string;
  /** File or folder that is to be written; it need not exist. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Refuses when a disk has less room than everything that goes there needs; needs of one disk are added up.
 *
 * @throws {SealiftError} E_SPACE for every disk that is too full.
 */
export async function requireRoom(needs: readonly Need[]): Promise<void> {
  const disks = new Map<number, { readonly at: string; readonly free: number; readonly needs: Need[] }>();
  for (const need of needs) {
    const at = await existing(need.path);
    const { dev } = await stat(at);
    const disk = disks.get(dev) ?? { at, free: await freeBytes(at), needs: [] };
    disks.set(dev, { ...disk, needs: [...disk.needs, need] });
  }
  refuse([...disks.values()].flatMap(({ at, free, needs: all }) => tooFull(at, free, all)));
}

/**
 * Does work that writes to `path`; a disk that fills up in the middle is told like one that was too full from the start.
 *
 * @throws {SealiftError} E_SPACE; every other error as it is.
 */
export async function withinRoom<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isFull(error) ? await fullDisk(path) : error;
  }
}

/** E_SPACE about a disk that filled up while `path` was written. */
export async function fullDisk(path: string): Promise<SealiftError> {
  const free = await freeBytes(await existing(path)).catch(() => 0);
  return new SealiftError([problem(path, "room on the disk", `${free} bytes free: it filled up meanwhile`)]);
}

/** Whether an error says that a disk is full, in the system's words or in those of a program that was run. */
export function isFull(error: unknown): boolean {
  if (error instanceof SealiftError) return error.problems.some(({ got }) => saysFull(got));
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** The same of what a program has printed. */
export function saysFull(words: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(words);
}

function tooFull(at: string, free: number, needs: readonly Need[]): readonly Problem[] {
  const bytes = needs.reduce((sum, need) => sum + need.bytes, 0);
  if (bytes <= free) return [];
  const what = needs.filter((need) => need.bytes > 0).map((need) => `${need.what} ${need.bytes}`);
  return [problem(at, what.join(", "), `${free} bytes free`, `${bytes} bytes free`)];
}

function problem(where: string, subject: string, got: string, expected = "room for all of it"): Problem {
  const todo = "make room or name a place on another disk, then run it again";
  return { where, code: "E_SPACE", subject, got, expected, todo };
}

/** What is left for a user who is not root on the disk of a path that is there. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** The path, or the nearest folder above it that is there. */
async function existing(path: string): Promise<string> {
  let at = resolve(path);
  while (!(await stat(at).catch(() => false)) && at !== dirname(at)) at = dirname(at);
  return at;
}
