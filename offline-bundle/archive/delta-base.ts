/** The blobs that a delta omits and an earlier bundle supplies. */
import { chmod, constants, copyFile, lstat } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import type { BlobContent } from "./archive-order.ts";
import { type Delta, holderName } from "./delta.ts";
import { hashFiles } from "../io/hash-files.ts";
import type { Found } from "./read-archive.ts";
import { openRegular } from "../io/regular-file.ts";

/**
 * Copies blobs from a base into a bundle and hashes the copies: the base may return other bytes when it is read again, and a
 * person who can write to it must not be able to change verified bytes. Where the file system allows it, the copies share their
 * blocks.
 *
 * @throws {SealiftError} E_BUNDLE_BASE with every blob that the base lacks, and the base that would do.
 */
export async function copyFromBase(
  base: string | undefined,
  delta: Delta,
  missingFromDelta: readonly BlobContent[],
  into: string,
): Promise<Found> {
  if (missingFromDelta.length === 0) return new Map();
  if (base === undefined) throw refusal("no base given", delta, missingFromDelta, "this bundle");
  const missing = new Set(await missingIn(base, missingFromDelta));
  const present: BlobContent[] = [];
  for (const blob of missingFromDelta) {
    if (missing.has(blob)) continue;
    if (await copyBlob(blob, base, into)) present.push(blob);
    else missing.add(blob);
  }
  const sha256s = await hashFiles(present.map(({ name, bytes }) => ({ path: join(into, name), bytes })));
  present.forEach((blob, at) => {
    if (sha256s[at] !== blob.sha256) missing.add(blob);
  });
  if (missing.size > 0) throw refusal(`the base lacks ${named([...missing])}`, delta, [...missing], base);
  return new Map(missingFromDelta.map(({ sha256, bytes }) => [sha256, bytes]));
}

async function missingIn(
  base: string,
  missingFromDelta: readonly BlobContent[],
): Promise<readonly BlobContent[]> {
  const found = await Promise.all(
    missingFromDelta.map(async (blob) => {
      const present = await lstat(join(base, blob.name)).catch(() => undefined);
      return present?.isFile() === true && present.size === blob.bytes;
    }),
  );
  return missingFromDelta.filter((_blob, at) => found[at] !== true);
}

/**
 * Copies from the opened file: through its path, a symbolic link could lead to a file of the operator, which would then be copied
 * into the bundle.
 */
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

/** How many blobs are listed by name. */
const maxListed = 20;

function named(blobs: readonly BlobContent[]): string {
  const listed = blobs.slice(0, maxListed).map(({ sha256 }) => sha256);
  const more = blobs.length - listed.length;
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function refusal(
  found: string,
  { base }: Delta,
  missing: readonly BlobContent[],
  where: string,
): SealiftError {
  const bytes = missing.reduce((sum, blob) => sum + blob.bytes, 0);
  const problem: Problem = {
    where,
    code: "E_BUNDLE_BASE",
    subject: `${missing.length} blobs, ${bytes} bytes`,
    found,
    expected: `${holderName(base)}, or another base with these blobs`,
    fix: "pass the base with --base, or build the bundle again without --exclude-inventory",
  };
  return new SealiftError([problem]);
}
