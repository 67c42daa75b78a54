/** Unpacks an archive into a bundle directory. */
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { copyFromBase } from "./archive/delta-base.ts";
import { namingBrokenParts, openArchive } from "./archive/archive-source.ts";
import { blobPathIn } from "./oci/layout.ts";
import { lockIndex } from "./spec/lock-index.ts";
import { readArchive } from "./archive/read-archive.ts";
import { ownFolder, refuseForeign, replaceBundle } from "./oci/replace-bundle.ts";
import { requireDiskSpace, explainFullDisk } from "./io/disk-space.ts";
import { type VerifiedBundle, verifyBundle, type VerifyOptions } from "./verify.ts";

export interface UnpackOptions extends VerifyOptions {
  /** Directory of an earlier bundle that has the blobs that a delta omits. */
  readonly base?: string;
}

/**
 * Unpacks and verifies in one pass: each byte is hashed once, while it is read. All work happens in `<directory>.part`; the
 * bundle appears whole and verified, or not at all. An existing bundle is replaced.
 *
 * @param file the archive, its part list, or its first part.
 * @throws {SealiftError} what {@link verifyBundle} throws; E_BUNDLE_PART (a part is missing, truncated, or of another bundle),
 * E_ARCHIVE (an unexpected entry), E_BUNDLE_BASE, E_NO_SPACE; E_VALUE when `directory` is not a bundle.
 */
export async function unpackBundle(
  file: string,
  directory: string,
  options: UnpackOptions,
): Promise<VerifiedBundle> {
  const target = resolve(directory);
  await refuseForeign(target);
  const source = await openArchive(file);
  const part = `${target}.part`;
  await rm(part, { recursive: true, force: true });
  try {
    const verified = await explainFullDisk(target, async () => {
      await ownFolder(part);
      return namingBrokenParts(source, part, async () => {
        const read = await readArchive(source, part, {
          ...options,
          keep: true,
          known: async (coming, delta, missingFromDelta) => {
            const copied =
              options.base === undefined ? 0 : missingFromDelta.reduce((sum, { bytes }) => sum + bytes, 0);
            await requireDiskSpace([{ what: "the bundle", path: part, bytes: coming + copied }]);
            return delta === undefined
              ? new Map()
              : copyFromBase(options.base, delta, missingFromDelta, part);
          },
        });
        return verifyBundle(part, options, read);
      });
    });
    await replaceBundle(target, part);
    // Verified while the archive was read; the blob now has its own name.
    const blobPath = blobPathIn(directory);
    return { ...verified, ...lockIndex(verified.lock, blobPath), directory, blobPath };
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}
