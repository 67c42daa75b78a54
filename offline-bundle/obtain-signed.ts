/** An image into the store: where bundle.yaml names a key, not before its owner's signature of this very digest was seen. */
import { refuse } from "../modules/core/errors.ts";
import { readImageKey } from "./image-signature.ts";
import { type LockedImage, otherKey } from "./lock-file.ts";
import type { Sources } from "./obtain-file.ts";
import { obtainImage } from "./obtain-image.ts";
import { signedImage } from "./signed-image.ts";

/**
 * What no note in the store says of this digest and this key is asked for, also of an image that is here: a lock may have been written by
 * anybody, and the image may have come when nobody asked.
 *
 * @param cosign the key's file, as bundle.yaml has it.
 * @returns the layout.
 * @throws {SealiftError} E_LOCK_STALE when the lock names another key; E_IMAGE_SIGNATURE; E_VALUE of a key; E_DOWNLOAD, E_SPACE, E_TOOL.
 */
export async function obtainSigned(
  image: LockedImage,
  cosign: string | undefined,
  sources: Sources,
  lockFile: string,
): Promise<string> {
  if (cosign !== undefined) {
    const key = await readImageKey(cosign, sources.bundleFile);
    refuse(key.fingerprint === image.signedBy ? [] : [otherKey(image, key.fingerprint, lockFile)]);
    await signedImage(image.name, image.digest, key, sources);
  }
  return obtainImage(image, sources);
}
