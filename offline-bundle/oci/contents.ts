/** The contents of a bundle or a lock, for display. Nothing is verified here; verify.ts does that. */
import { stat } from "node:fs/promises";
import { digestOfBytes } from "../io/digest.ts";
import type { Bundle, BundleManifest } from "./layout.ts";
import { limits } from "../io/limits.ts";
import { type Lock, parseLock } from "../spec/lock-file.ts";
import { hexOf } from "./manifests.ts";
import { openBundle } from "./read-bundle.ts";
import { readRegular } from "../io/regular-file.ts";
import { blobsBelow } from "./walk.ts";

export interface Contents {
  /** Path as given. */
  readonly place: string;
  readonly lock: Lock;
  readonly lockSha256: string;
  /** Undefined for a lock alone. */
  readonly packed: Packed | undefined;
}

/** What a bundle has in addition to its lock. */
export interface Packed {
  readonly manifest: BundleManifest;
  /** sha256 -> length in bytes of every blob that the index references. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Name -> bytes of all blobs of the image, shared ones included. */
  readonly imageBytes: ReadonlyMap<string, number>;
}

/**
 * Reads a bundle directory or a lock file. Of a bundle only index and manifests are read, so it is fast whatever the size.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_LOCK_MISSING, E_BUNDLE_DIGEST when it cannot be parsed, or every problem of the
 * lock.
 */
export async function readContents(place: string): Promise<Contents> {
  const isFile = await stat(place).then(
    (there) => there.isFile(),
    () => false,
  );
  if (isFile) {
    const { lock, sha256 } = await readLockBytes(place);
    return { place, lock, lockSha256: sha256, packed: undefined };
  }
  return contentsOfBundle(await openBundle(place));
}

/** The same for a bundle that is already open. */
export function contentsOfBundle({ directory, lock, lockSha256, manifest, tree }: Bundle): Contents {
  const blobs = new Map([...tree.named].map(([hex, { descriptor }]) => [hex, descriptor.size]));
  const imageBytes = new Map(
    lock.images
      .filter(({ digest }) => blobs.has(hexOf(digest)))
      .map(({ name, digest }) => [name, sum(blobsBelow(tree, hexOf(digest)).values())]),
  );
  return { place: directory, lock, lockSha256, packed: { manifest, blobs, imageBytes } };
}

async function readLockBytes(file: string): Promise<{ readonly lock: Lock; readonly sha256: string }> {
  const bytes = await readRegular(file, limits.document, "follow");
  return { lock: await parseLock(bytes, file), sha256: digestOfBytes(bytes).sha256 };
}

function sum(bytes: Iterable<number>): number {
  return [...bytes].reduce((all, one) => all + one, 0);
}
