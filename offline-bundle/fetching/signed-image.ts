/** Whether an image's owner has signed its digest: verified once from this machine, and recorded in the cache. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { digestOfBytes, hexDigits } from "../io/digest.ts";
import { type ImageKey, otherName, verifyImageSignature, readImageKey } from "./image-signature.ts";
import { jsonOf } from "../io/json.ts";
import { hexOf } from "../oci/manifests.ts";
import type { Sources } from "./fetch-file.ts";
import { refuse } from "../../modules/core/errors.ts";
import { type LockedImage, otherKey } from "../spec/lock-file.ts";
import { fetchImage } from "./fetch-image.ts";

/**
 * @param name full name with tag.
 * @param digest `sha256:…` of the image.
 * @param sources warned every time when the owner has signed the digest only under other names, also when the record in the cache
 * is used.
 * @throws {SealiftError} what {@link verifyImageSignature} throws, when the cache has no record.
 */
export async function signedImage(
  name: string,
  digest: string,
  key: ImageKey,
  sources: Sources,
): Promise<void> {
  const note = recordPath(name, digest, key, sources.store);
  const known = await recordedNames(note);
  const others = known ?? (await verifyImageSignature(name, digest, key, sources));
  if (known === undefined) {
    await mkdir(dirname(note), { recursive: true });
    await writeAtomically(note, JSON.stringify(others));
  }
  if (others.length > 0) sources.warn?.(otherName(name, others));
}

/** The path records what was verified, under which name, with which key: `<store>/signed/<digest>/<sha256 of name and key>`. */
function recordPath(name: string, digest: string, { fingerprint }: ImageKey, store: string): string {
  const { sha256 } = digestOfBytes(JSON.stringify({ name, fingerprint }));
  return join(store, "signed", hexDigits(hexOf(digest)), sha256);
}

/** The other names under which it is signed; undefined when nothing is recorded. */
async function recordedNames(path: string): Promise<readonly string[] | undefined> {
  const text = await readFile(path).catch(() => undefined);
  const value = text === undefined ? undefined : jsonOf(text);
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}

/**
 * Verifies the signature unless the cache has a record for this digest and key, even when the image is cached: anybody could have
 * written the lock, and the image may have been cached when no signature was required.
 *
 * @param cosign the key's file, as in bundle.yaml.
 * @returns the layout.
 * @throws {SealiftError} E_LOCK_STALE when the lock records another key; E_IMAGE_SIGNATURE; E_VALUE of a key; E_DOWNLOAD,
 * E_NO_SPACE, E_TOOL.
 */
export async function fetchSignedImage(
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
  return fetchImage(image, sources);
}
