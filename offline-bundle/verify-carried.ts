/** Checks a carried bundle without unpacking it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blaming, openCarried } from "./carried-source.ts";
import type { Delta } from "./delta.ts";
import { readCarried } from "./read-carried.ts";
import { withinRoom } from "./room.ts";
import { type VerifiedBundle, verifyBundle, type VerifyOptions } from "./verify.ts";

export interface VerifiedCarried extends Omit<VerifiedBundle, "blobPath" | "file" | "engine" | "binary"> {
  /** What has to be there already when it is unpacked; absent: nothing. */
  readonly needs?: { readonly base: Delta["base"]; readonly blobs: number; readonly bytes: number };
}

/**
 * Streams it once and checks all of it. What a delta leaves to its base is not there to be checked; the result says so.
 * Only index, lock and manifests are written, to the folder for temporary files, and removed again.
 *
 * @param file the carried bundle, its list of parts, or its first part.
 * @throws {SealiftError} what {@link verifyBundle} throws, E_BUNDLE_PART and E_ARCHIVE.
 */
export async function verifyCarried(file: string, options: VerifyOptions): Promise<VerifiedCarried> {
  const source = await openCarried(file);
  const scratch = await mkdtemp(join(tmpdir(), "sealift-verify-"));
  let needs: VerifiedCarried["needs"];
  try {
    return await withinRoom(scratch, () =>
      blaming(source, scratch, async () => {
        const read = await readCarried(source, scratch, {
          ...options,
          keep: false,
          known: (_coming, delta, lacking) => {
            const bytes = lacking.reduce((sum, blob) => sum + blob.bytes, 0);
            if (delta !== undefined) needs = { base: delta.base, blobs: lacking.length, bytes };
            return Promise.resolve(new Map(lacking.map((blob) => [blob.sha256, blob.bytes])));
          },
        });
        const verified = await verifyBundle(scratch, options, read);
        return {
          ...verified,
          directory: file,
          blobs: verified.blobs - (needs?.blobs ?? 0),
          ...(needs === undefined ? {} : { needs }),
        };
      }),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
