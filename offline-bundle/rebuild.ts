/** A second person builds the same lock and compares: what a signature cannot say, that the builder's machine added nothing. */
import { lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { buildBundle, type BuildOptions } from "./build.ts";
import { bundleFiles } from "./bundle-files.ts";
import { digestOfBytes } from "./digest.ts";
import { inside, readSealText } from "./layout.ts";
import { limits } from "./limits.ts";
import { printable } from "./printable.ts";
import { openRegular, readRegular, UnusableFile } from "./regular-file.ts";

export interface RebuildOptions extends Omit<BuildOptions, "directory" | "key" | "carry"> {
  /** The bundle that somebody else has built. */
  readonly compare: string;
  /** Where the bundle that is built here stays. Default: it is removed after the comparison. */
  readonly keep?: string;
}

export interface Rebuilt {
  readonly serial: number;
  /** Files that both have, signatures not among them, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** sha256 of sealift.json and of the lock, in both. */
  readonly textSha256: string;
  readonly lockSha256: string;
}

/**
 * Builds the lock of this checkout, with bytes that are downloaded or kept here, and compares every file of the other bundle with it. Of
 * the other bundle nothing is parsed and nothing is used. Signatures are not compared: they are the only thing that may differ.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_REBUILD for each file that differs, is missing or is not of this lock;
 * E_BUNDLE_DIGEST for what belongs into no bundle; what {@link buildBundle} throws.
 */
export async function rebuildAndCompare({ compare, keep, ...options }: RebuildOptions): Promise<Rebuilt> {
  await readSealText(compare);
  const lock = await readRegular(options.lockFile, limits.document, "follow");
  refuse(await lockProblems(compare, lock, options.lockFile));
  await mkdir(dirname(resolve(options.store)), { recursive: true });
  const folder = keep === undefined ? await mkdtemp(join(dirname(resolve(options.store)), "rebuild-")) : "";
  const directory = keep ?? join(folder, "bundle");
  try {
    const { serial } = await buildBundle({ ...options, directory });
    const { names, bytes } = await compared(compare, directory);
    const text = await readSealText(directory);
    return {
      serial,
      files: names.length,
      bytes,
      textSha256: digestOfBytes(text).sha256,
      lockSha256: digestOfBytes(lock).sha256,
    };
  } finally {
    if (folder !== "") await rm(folder, { recursive: true, force: true });
  }
}

/** Another lock makes another bundle: that is said alone, before anything is built. */
async function lockProblems(compare: string, lock: Buffer, lockFile: string): Promise<readonly Problem[]> {
  const theirs = await readRegular(join(compare, inside.lock), limits.document, "refuse").catch(told);
  if (typeof theirs !== "string" && theirs.equals(lock)) return [];
  const got = typeof theirs === "string" ? theirs : `sha256 ${digestOfBytes(theirs).sha256}`;
  return [
    {
      where: compare,
      code: "E_BUNDLE_REBUILD",
      subject: inside.lock,
      got,
      expected: `${lockFile}, sha256 ${digestOfBytes(lock).sha256}`,
      todo: `check out the commit that it was built from, or ask why it differs: sealift bundle diff ${lockFile} <bundle>`,
    },
  ];
}

/** @returns the files of a bundle that are compared. @throws {SealiftError} all differences. */
async function compared(
  theirs: string,
  ours: string,
): Promise<{ readonly names: readonly string[]; readonly bytes: number }> {
  const [mine, other] = await Promise.all([bundleFiles(ours), bundleFiles(theirs)]);
  const blob = (sha256: string): string => `${inside.blobs}/${sha256}`;
  const names = [inside.seal, inside.marker, inside.index, inside.lock, ...[...mine.blobs.keys()].map(blob)];
  const problem = (subject: string, got: string, expected: string): Problem => ({
    where: theirs,
    code: "E_BUNDLE_REBUILD",
    subject,
    got,
    expected,
    todo: "do not sign it; find out with its builder where the bytes come from (--keep <directory> keeps what was built here)",
  });
  const problems: Problem[] = [...other.problems];
  let bytes = 0;
  for (const name of names) {
    const { size } = await lstat(join(ours, name));
    bytes += size;
    const difference = await firstDifference(join(theirs, name), join(ours, name), size);
    if (difference !== undefined)
      problems.push(problem(name, difference, `the ${size} bytes that this lock gives`));
  }
  for (const [sha256, length] of other.blobs)
    if (!mine.blobs.has(sha256)) problems.push(problem(blob(sha256), `${length} bytes`, "no such blob"));
  refuse(problems);
  return { names, bytes };
}

/** How a file of the other bundle differs from ours; undefined when it does not. It is read no further than ours is long. */
async function firstDifference(theirs: string, ours: string, size: number): Promise<string | undefined> {
  const [other, mine] = [await openRegular(theirs, "refuse").catch(told), await openRegular(ours, "refuse")];
  try {
    if (typeof other === "string") return other;
    const found = (await other.stat()).size;
    if (found !== size) return `${found} bytes`;
    const [a, b] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
    for (let at = 0; at < size;) {
      const length = Math.min(pieceBytes, size - at);
      const [{ bytesRead }, { bytesRead: readHere }] = await Promise.all([
        other.read(a, 0, length, at),
        mine.read(b, 0, length, at),
      ]);
      const read = Math.min(bytesRead, readHere);
      if (read === 0) return `its end after ${at} bytes`;
      if (a.compare(b, 0, read, 0, read) !== 0) {
        const first = a.subarray(0, read).findIndex((byte, index) => byte !== b[index]);
        return `another byte at offset ${at + first}`;
      }
      at += read;
    }
    return undefined;
  } finally {
    await mine.close();
    if (typeof other !== "string") await other.close();
  }
}

/** For a catch: what is there in place of a file. */
function told(error: unknown): string {
  if (error instanceof UnusableFile) return printable(error.message);
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "no such file";
  throw error;
}

const pieceBytes = 1024 * 1024;
