/** The blobs that a delta leaves to an earlier bundle. */
import { chmod, constants, copyFile, lstat } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import type { BlobContent } from "./carried-order.ts";
import { type Delta, holderName } from "./delta.ts";
import { hashFiles } from "./hash-files.ts";
import type { Found } from "./read-carried.ts";
import { openRegular } from "./regular-file.ts";

/**
 * Copies blobs from a base into a bundle and hashes the copies: a base may answer differently when it is read again, and whoever can
 * write to it must not reach what was verified. Where the file system can, the copies share their blocks.
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
  const there: BlobContent[] = [];
  for (const blob of lacking) {
    if (missing.has(blob)) continue;
    if (await copyBlob(blob, base, into)) there.push(blob);
    else missing.add(blob);
  }
  const sha256s = await hashFiles(there.map(({ name, bytes }) => ({ path: join(into, name), bytes })));
  there.forEach((blob, at) => {
    if (sha256s[at] !== blob.sha256) missing.add(blob);
  });
  if (missing.size > 0) throw refusal(`a base without ${named([...missing])}`, delta, [...missing], base);
  return new Map(lacking.map(({ sha256, bytes }) => [sha256, bytes]));
}

async function missingIn(base: string, lacking: readonly BlobContent[]): Promise<readonly BlobContent[]> {
  const found = await Promise.all(
    lacking.map(async (blob) => {
      const there = await lstat(join(base, blob.name)).catch(() => undefined);
      return there?.isFile() === true && there.size === blob.bytes;
    }),
  );
  return lacking.filter((_blob, at) => found[at] !== true);
}

/** Of the very file that was opened: by its path a link could lead to something of the operator's, which would lie on the disk then. */
async function copyBlob({ name, bytes }: BlobContent, base: string, into: string): Promise<boolean> {
  const to = join(into, name);
  const from = await openRegular(join(base, name), "refuse").catch(() => undefined);
  try {
    if (from === undefined || (await from.stat()).size !== bytes) return false;
    await copyFile(`/proc/self/fd/${from.fd}`, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, 0o644);
    return true;
  } finally {
    await from?.close();
  }
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
