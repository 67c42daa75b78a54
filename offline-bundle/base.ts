/** The blobs that a delta leaves to an earlier bundle. */
import { constants, copyFile, link, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import type { BlobContent } from "./carried-order.ts";
import { type Delta, holderName } from "./delta.ts";
import { hashFiles } from "./hash-files.ts";
import { inside } from "./layout.ts";
import type { Found } from "./read-carried.ts";

/**
 * Brings blobs from a base into a bundle: as hard links, or as copies where the base is on another disk. Each is hashed.
 *
 * @throws {SealiftError} E_BUNDLE_BASE with everything that the base lacks, and which base would do.
 */
export async function takeFromBase(
  base: string | undefined,
  delta: Delta,
  lacking: readonly BlobContent[],
  into: string,
): Promise<Found> {
  if (lacking.length === 0) return new Map();
  if (base === undefined) throw refusal("no --base", delta, lacking, "this bundle");
  const missing = new Set(await missingIn(base, lacking));
  const there = lacking.filter((blob) => !missing.has(blob));
  const sha256s = await hashFiles(there.map(({ name, bytes }) => ({ path: join(base, name), bytes })));
  there.forEach((blob, at) => {
    if (sha256s[at] !== blob.sha256) missing.add(blob);
  });
  if (missing.size > 0) throw refusal(`a base without ${named([...missing])}`, delta, [...missing], base);
  for (const { name } of lacking) await linkOrCopy(join(base, name), join(into, name));
  return new Map(lacking.map(({ sha256, bytes }) => [sha256, bytes]));
}

/** Bytes that will have to be copied: none where links can be made. */
export async function bytesToCopy(
  base: string | undefined,
  lacking: readonly BlobContent[],
  into: string,
): Promise<number> {
  if (base === undefined) return 0;
  const disks = await Promise.all(
    [join(base, inside.blobs), into].map((path) => stat(path).catch(() => undefined)),
  );
  return disks[0]?.dev === disks[1]?.dev ? 0 : lacking.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function missingIn(base: string, lacking: readonly BlobContent[]): Promise<readonly BlobContent[]> {
  const found = await Promise.all(
    lacking.map(async (blob) => {
      const there = await stat(join(base, blob.name)).catch(() => undefined);
      return there?.isFile() === true && there.size === blob.bytes;
    }),
  );
  return lacking.filter((_blob, at) => found[at] !== true);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL));
}

/** So many are listed by name. */
const mostListed = 20;

function named(blobs: readonly BlobContent[]): string {
  const listed = blobs.slice(0, mostListed).map(({ sha256 }) => sha256);
  const more = blobs.length - listed.length;
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function refusal(got: string, { base }: Delta, missing: readonly BlobContent[], where: string): SealiftError {
  const bytes = missing.reduce((sum, blob) => sum + blob.bytes, 0);
  const problem: Problem = {
    where,
    code: "E_BUNDLE_BASE",
    subject: `${missing.length} blobs, ${bytes} bytes`,
    got,
    expected: `${holderName(base)}, or any that has them`,
    todo: "name it with --base, or build this bundle without --have",
  };
  return new SealiftError([problem]);
}
