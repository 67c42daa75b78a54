/** The lock of a bundle, for queries: its signatures are verified, its blobs are not. */
import { refuse } from "../../modules/core/errors.ts";
import { readBundleManifestText } from "../oci/layout.ts";
import type { Lock } from "../spec/lock-file.ts";
import { readPinnedLock } from "../oci/read-bundle.ts";
import { checkSignatures, type SignaturePolicy } from "./signature.ts";

/**
 * Nothing is parsed before the signatures of the bundle manifest are trusted; the lock is parsed from the bytes that the manifest
 * pins.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE, E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE, or the
 * problems of the lock.
 */
export async function signedLock(directory: string, policy: SignaturePolicy): Promise<Lock> {
  const text = await readBundleManifestText(directory);
  refuse((await checkSignatures(directory, text, policy)).problems);
  return readPinnedLock(directory, text);
}
