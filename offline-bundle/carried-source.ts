/** A carried bundle as one stream, whether it is one file or many parts. */
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type ErrorCode, refuse, SealiftError } from "../modules/core/errors.ts";
import { differingParts, type PartIndex, partIndexName, readPartIndex, refuseParts } from "./part-index.ts";
import { pieceBuffer, piecesOf } from "./pieces.ts";

export interface CarriedSource {
  /** As it was given. */
  readonly file: string;
  /** Length of all parts. */
  readonly bytes: number;
  /** Absent for one file. */
  readonly index?: PartIndex;
  /** A piece is only good until the next one is asked for. */
  readonly stream: () => AsyncGenerator<Buffer>;
  /** Throws what can be said about single parts, if anything: they are read for this only once something is wrong. */
  readonly blameParts: () => Promise<void>;
}

/** Whether a path is meant to be a carried bundle and not a directory. */
export async function isCarried(path: string): Promise<boolean> {
  if (looksCarried.test(path)) return !(await stat(path).catch(() => undefined))?.isDirectory();
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

const looksCarried = /\.tar\.zst(\.\d{3}|\.parts\.json)?$/;

/**
 * Opens a carried bundle by its file, its list of parts or its first part. Reads none of it but the list.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING when there is nothing; E_BUNDLE_PART for a list or parts that cannot be right.
 */
export async function openCarried(file: string): Promise<CarriedSource> {
  const list = await listOf(file);
  if (list === undefined) {
    const bytes = await lengthOf(file);
    if (bytes === undefined) throw missing(file);
    const blameParts = (): Promise<void> => Promise.resolve();
    return { file, bytes, stream: () => readAll([file]), blameParts };
  }
  const folder = dirname(resolve(list));
  const index = await readPartIndex(list);
  await refuseParts(folder, index, lengthOf);
  const paths = index.parts.map(({ name }) => join(folder, name));
  return {
    file,
    bytes: index.whole.bytes,
    index,
    stream: () => readAll(paths),
    blameParts: async () => {
      refuse(await differingParts(folder, index));
    },
  };
}

/** The list that belongs to what was named; a file that is whole needs none. */
async function listOf(file: string): Promise<string | undefined> {
  if (file.endsWith(".parts.json")) return file;
  if (/\.\d{3}$/.test(file)) return partIndexName(file.replace(/\.\d{3}$/, ""));
  if ((await lengthOf(file)) !== undefined) return undefined;
  const list = partIndexName(file);
  return (await lengthOf(list)) === undefined ? undefined : list;
}

async function* readAll(paths: readonly string[]): AsyncGenerator<Buffer> {
  const buffer = pieceBuffer();
  for (const path of paths) yield* piecesOf(path, buffer);
}

async function lengthOf(path: string): Promise<number | undefined> {
  const there = await stat(path).catch(() => undefined);
  return there?.isFile() === true ? there.size : undefined;
}

function missing(file: string): SealiftError {
  return new SealiftError([
    {
      where: file,
      code: "E_BUNDLE_MISSING",
      subject: "carried bundle",
      got: "no such file",
      expected: "a .tar.zst, its list of parts, or its first part",
      todo: "name the file that sealift bundle build --carry wrote",
    },
  ]);
}

/**
 * Does work that reads a carried bundle into `folder`. When it turns out to be wrong, single parts that differ are told
 * instead of what follows from them; and places are told as those of the file, not of the folder.
 */
export async function blaming<T>(source: CarriedSource, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    if (error.problems.every(({ code }) => !notOfParts.includes(code))) await source.blameParts();
    throw new SealiftError(
      error.problems.map((problem) => ({ ...problem, where: problem.where.replace(folder, source.file) })),
    );
  }
}

/** Nothing that another copy of a part would change. */
const notOfParts: readonly ErrorCode[] = [
  "E_SPACE",
  "E_BUNDLE_BASE",
  "E_BUNDLE_PART",
  "E_LOCK_MISSING",
  "E_LOCK_STALE",
];
