/** The lock of a bundle, for reading about it: its signatures count, its blobs are not looked at. */
import { refuse } from "../modules/core/errors.ts";
import { readSealText } from "./layout.ts";
import type { Lock } from "./lock-file.ts";
import { readPinnedLock } from "./read-bundle.ts";
import { checkSignatures, type SignaturePolicy } from "./signature.ts";

/**
 * Nothing is parsed before the signatures of the bundle text count; the lock is parsed out of the bytes that the text pins.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE, E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE, or what is
 * wrong in the lock.
 */
export async function signedLock(directory: string, policy: SignaturePolicy): Promise<Lock> {
  const text = await readSealText(directory);
  refuse((await checkSignatures(directory, text, policy)).problems);
  return readPinnedLock(directory, text);
}
