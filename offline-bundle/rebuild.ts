/**
 * Builds the same lock on a second machine and compares the bundles: this shows, as no signature can, that the builder's machine
 * added nothing.
 */
import { lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { buildBundle, type BuildOptions } from "./build.ts";
import { bundleFiles } from "./oci/bundle-files.ts";
import { digestOfBytes } from "./io/digest.ts";
import { inside, readBundleManifestText } from "./oci/layout.ts";
import { limits } from "./io/limits.ts";
import { printable } from "./io/printable.ts";
import { openRegular, readRegular, UnusableFile } from "./io/regular-file.ts";

export interface RebuildOptions extends Omit<BuildOptions, "directory" | "key" | "carry"> {
  /** The other person's bundle. */
  readonly compare: string;
  /** Where the new bundle is kept. Default: it is removed after the comparison. */
  readonly keep?: string;
}

export interface Rebuilt {
  readonly serial: number;
  /** Files in both bundles, without signatures, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** sha256 of sealift.json and of the lock, equal in both. */
  readonly textSha256: string;
  readonly lockSha256: string;
}

/**
 * Builds the lock of this checkout, with downloaded or cached bytes, and compares every file with the other bundle. The other
 * bundle is neither parsed nor used. Signatures are not compared: they are the only files that may differ.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_REBUILD for each file that differs, is missing or does not belong to this
 * lock; E_BUNDLE_DIGEST for a file that no bundle may contain; what {@link buildBundle} throws.
 */
export async function rebuildAndCompare({ compare, keep, ...options }: RebuildOptions): Promise<Rebuilt> {
  await readBundleManifestText(compare);
  const lock = await readRegular(options.lockFile, limits.document, "follow");
  refuse(await lockProblems(compare, lock, options.lockFile));
  await mkdir(dirname(resolve(options.store)), { recursive: true });
  const folder = keep === undefined ? await mkdtemp(join(dirname(resolve(options.store)), "rebuild-")) : "";
  const directory = keep ?? join(folder, "bundle");
  try {
    const { serial } = await buildBundle({ ...options, directory });
    const { names, bytes } = await compared(compare, directory);
    const text = await readBundleManifestText(directory);
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

/** Another lock gives another bundle: this is reported alone, before anything is built. */
async function lockProblems(compare: string, lock: Buffer, lockFile: string): Promise<readonly Problem[]> {
  const theirs = await readRegular(join(compare, inside.lock), limits.document, "refuse").catch(nonFileKind);
  if (typeof theirs !== "string" && theirs.equals(lock)) return [];
  const found = typeof theirs === "string" ? theirs : `sha256 ${digestOfBytes(theirs).sha256}`;
  return [
    {
      where: compare,
      code: "E_BUNDLE_REBUILD",
      subject: inside.lock,
      found,
      expected: `${lockFile}, sha256 ${digestOfBytes(lock).sha256}`,
      fix: `check out the commit from which the bundle was built, or compare the two locks: sealift bundle diff ${lockFile} <bundle>`,
    },
  ];
}

/** @returns the compared files of a bundle. @throws {SealiftError} all differences. */
async function compared(
  theirs: string,
  ours: string,
): Promise<{ readonly names: readonly string[]; readonly bytes: number }> {
  const [mine, other] = await Promise.all([bundleFiles(ours), bundleFiles(theirs)]);
  const blob = (sha256: string): string => `${inside.blobs}/${sha256}`;
  const names = [
    inside.manifest,
    inside.marker,
    inside.index,
    inside.lock,
    ...[...mine.blobs.keys()].map(blob),
  ];
  const problem = (subject: string, found: string, expected: string): Problem => ({
    where: theirs,
    code: "E_BUNDLE_REBUILD",
    subject,
    found,
    expected,
    fix: "do not sign it; find out with its builder where the bytes come from (--keep <directory> keeps the bundle that was built here)",
  });
  const problems: Problem[] = [...other.problems];
  let bytes = 0;
  for (const name of names) {
    const { size } = await lstat(join(ours, name));
    bytes += size;
    const difference = await firstDifference(join(theirs, name), join(ours, name), size);
    if (difference !== undefined)
      problems.push(problem(name, difference, `the ${size} bytes that a build of this lock gives`));
  }
  for (const [sha256, length] of other.blobs)
    if (!mine.blobs.has(sha256)) problems.push(problem(blob(sha256), `${length} bytes`, "no such blob"));
  refuse(problems);
  return { names, bytes };
}

/**
 * How a file of the other bundle differs from the new one; undefined when it does not. No more is read than the length of the new
 * file.
 */
async function firstDifference(theirs: string, ours: string, size: number): Promise<string | undefined> {
  const [other, mine] = [
    await openRegular(theirs, "refuse").catch(nonFileKind),
    await openRegular(ours, "refuse"),
  ];
  try {
    if (typeof other === "string") return other;
    const found = (await other.stat()).size;
    if (found !== size) return `${found} bytes`;
    const [a, b] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (let at = 0; at < size;) {
      const length = Math.min(chunkBytes, size - at);
      const [{ bytesRead }, { bytesRead: readHere }] = await Promise.all([
        other.read(a, 0, length, at),
        mine.read(b, 0, length, at),
      ]);
      const read = Math.min(bytesRead, readHere);
      if (read === 0) return `the file ends after ${at} bytes`;
      if (a.compare(b, 0, read, 0, read) !== 0) {
        const first = a.subarray(0, read).findIndex((byte, index) => byte !== b[index]);
        return `a different byte at offset ${at + first}`;
      }
      at += read;
    }
    return undefined;
  } finally {
    await mine.close();
    if (typeof other !== "string") await other.close();
  }
}

/** For a catch: what is there instead of a regular file. */
function nonFileKind(error: unknown): string {
  if (error instanceof UnusableFile) return printable(error.message);
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "no such file";
  throw error;
}

const chunkBytes = 1024 * 1024;
