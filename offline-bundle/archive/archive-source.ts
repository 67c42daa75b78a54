/** An archive as one stream, whether it is one file or many parts. */
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type ErrorCode, refuse, SealiftError } from "../../modules/core/errors.ts";
import { differingParts, type PartIndex, partIndexName, readPartIndex, refuseParts } from "./part-index.ts";
import { chunkBuffer, piecesOf } from "../io/chunks.ts";

export interface ArchiveSource {
  /** Path as given. */
  readonly file: string;
  /** Total length of all parts. */
  readonly bytes: number;
  /** Absent for a single file. */
  readonly index?: PartIndex;
  /** A chunk is valid only until the next one is requested. */
  readonly stream: () => AsyncGenerator<Buffer>;
  /** Throws the problems of individual parts, if any. It reads every part, so it is called only after a failure. */
  readonly blameParts: () => Promise<void>;
}

/** Whether a path names an archive rather than a bundle directory. */
export async function isArchive(path: string): Promise<boolean> {
  if (archiveName.test(path)) return !(await stat(path).catch(() => undefined))?.isDirectory();
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

const archiveName = /\.tar\.zst(\.\d{3}|\.parts\.json)?$/;

/**
 * Opens an archive by its file, its part list or its first part. Reads only the list.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING when nothing is there; E_BUNDLE_PART for an invalid list or invalid parts.
 */
export async function openArchive(file: string): Promise<ArchiveSource> {
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
    bytes: index.archive.bytes,
    index,
    stream: () => readAll(paths),
    blameParts: async () => {
      refuse(await differingParts(folder, index));
    },
  };
}

/** The list of the named archive; a single file has none. */
async function listOf(file: string): Promise<string | undefined> {
  if (file.endsWith(".parts.json")) return file;
  if (/\.\d{3}$/.test(file)) return partIndexName(file.replace(/\.\d{3}$/, ""));
  if ((await lengthOf(file)) !== undefined) return undefined;
  const list = partIndexName(file);
  return (await lengthOf(list)) === undefined ? undefined : list;
}

async function* readAll(paths: readonly string[]): AsyncGenerator<Buffer> {
  const buffer = chunkBuffer();
  for (const path of paths) yield* piecesOf(path, buffer);
}

async function lengthOf(path: string): Promise<number | undefined> {
  const present = await stat(path).catch(() => undefined);
  return present?.isFile() === true ? present.size : undefined;
}

function missing(file: string): SealiftError {
  return new SealiftError([
    {
      where: file,
      code: "E_BUNDLE_MISSING",
      subject: "archive",
      found: "no such file",
      expected: "a .tar.zst file, its part list (.parts.json), or its first part (.001)",
      fix: "pass the path of the file that sealift bundle build --archive wrote",
    },
  ]);
}

/**
 * Runs `work`, which reads an archive into `folder`. When the archive is invalid, reports the parts that differ instead of the
 * consequences, and gives locations in the archive, not in the folder.
 */
export async function namingBrokenParts<T>(
  source: ArchiveSource,
  folder: string,
  work: () => Promise<T>,
): Promise<T> {
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

/** Errors that another copy of a part would not fix. */
const notOfParts: readonly ErrorCode[] = [
  "E_NO_SPACE",
  "E_BUNDLE_BASE",
  "E_BUNDLE_PART",
  "E_LOCK_MISSING",
  "E_LOCK_STALE",
];
