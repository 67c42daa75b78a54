/** What a bundle, or a lock alone, holds: for reading. Nothing is checked here; verify.ts checks. */
import { stat } from "node:fs/promises";
import { SealiftError } from "../modules/core/errors.ts";
import { digestOf } from "./digest.ts";
import { openBundle, parseSeal, readSealText, type Seal } from "./layout.ts";
import { type Lock, type LockedImage, readLock } from "./lock-file.ts";
import { children, type Descriptor, hexOf, isManifest, readIndex, readManifest } from "./manifests.ts";

export interface Contents {
  /** As it was given. */
  readonly place: string;
  readonly lock: Lock;
  readonly lockSha256: string;
  /** Undefined for a lock alone. */
  readonly packed: Packed | undefined;
}

/** What a lock does not say, and a bundle does. */
export interface Packed {
  readonly seal: Seal;
  /** sha256 -> length in bytes of every blob that the index reaches. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Name -> bytes of all blobs of the image, shared ones too. */
  readonly imageBytes: ReadonlyMap<string, number>;
}

/**
 * Reads a bundle directory or a lock file. Of a bundle only index and manifests are read, so it is quick whatever its size.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_LOCK_MISSING, E_BUNDLE_DIGEST when it cannot be read as what it should be, or
 * every problem of the lock.
 */
export async function readContents(place: string): Promise<Contents> {
  const isFile = await stat(place).then(
    (there) => there.isFile(),
    () => false,
  );
  if (isFile) {
    const lock = await readLock(place);
    return { place, lock, lockSha256: (await digestOf(place)).sha256, packed: undefined };
  }
  const seal = parseSeal(await readSealText(place), place);
  const { lock, lockSha256 } = await openBundle(place);
  return { place, lock, lockSha256, packed: { seal, ...(await readTree(place, lock.images)) } };
}

async function readTree(directory: string, images: readonly LockedImage[]): Promise<Omit<Packed, "seal">> {
  try {
    const blobs = new Map<string, number>();
    for (const top of (await readIndex(directory)).manifests ?? []) await walk(directory, top, blobs);
    const imageBytes = new Map<string, number>();
    for (const { name, digest } of images) {
      const size = blobs.get(hexOf(digest));
      if (size === undefined) continue;
      const own = new Map<string, number>();
      const mediaType = "application/vnd.oci.image.index.v1+json";
      await walk(directory, { mediaType, digest, size }, own);
      imageBytes.set(
        name,
        [...own.values()].reduce((sum, bytes) => sum + bytes, 0),
      );
    }
    return { blobs, imageBytes };
  } catch (error) {
    throw new SealiftError([
      {
        where: directory,
        code: "E_BUNDLE_DIGEST",
        subject: "index and manifests",
        got: error instanceof Error ? error.message : String(error),
        expected: "an OCI image layout",
        todo: "sealift bundle verify says what is wrong with it; copy the bundle again",
      },
    ]);
  }
}

async function walk(
  directory: string,
  { mediaType, digest, size }: Descriptor,
  into: Map<string, number>,
): Promise<void> {
  const hex = hexOf(digest);
  if (into.has(hex)) return;
  into.set(hex, size);
  if (!isManifest({ mediaType, digest, size })) return;
  for (const child of children(await readManifest(directory, digest))) await walk(directory, child, into);
}
