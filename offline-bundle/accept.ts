/** Accepts a bundle: from then on, bundles with a lower serial are refused. */
import { hostname, userInfo } from "node:os";
import { allowExpiredFlag, allowOlderFlag } from "./signing/acceptance-policy.ts";
import {
  type AcceptedRecord,
  appendAcceptedBundle,
  readAcceptedBundles,
  acceptedBundlesFile,
} from "./signing/accepted-bundles.ts";
import { type VerifiedBundle, verifyBundle, type VerifyOptions } from "./verify.ts";

export interface AcceptedBundle extends VerifiedBundle {
  /** Path of the list of accepted bundles. */
  readonly receipt: string;
  /** The record in that list. */
  readonly accepted: AcceptedRecord;
  /** Whether the list already has this bundle with the same signers and keys; then nothing was added. */
  readonly before: boolean;
  /** Whether this is the first record of the list. */
  readonly first: boolean;
}

/**
 * Verifies a bundle and records that it was accepted.
 *
 * @throws {SealiftError} what {@link verifyBundle} refuses; then nothing is recorded.
 */
export async function acceptBundle(directory: string, options: VerifyOptions): Promise<AcceptedBundle> {
  const bundle = await verifyBundle(directory, { ...options, requireAccepted: false, writesList: true });
  const { manifest } = bundle;
  const now: AcceptedRecord = {
    serial: manifest.serial,
    manifestSha256: bundle.textSha256,
    lockSha256: manifest.lock.sha256,
    indexSha256: manifest.index.sha256,
    signers: bundle.signers,
    keys: bundle.keys,
    at: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    by: `${userInfo().username}@${hostname()}`,
    insecure: [
      ...(options.allowOlder === true ? [allowOlderFlag] : []),
      ...(options.allowExpired === true ? [allowExpiredFlag] : []),
      ...(options.allowUnsigned === true ? ["--insecure-allow-unsigned"] : []),
    ],
  };
  const receipt = acceptedBundlesFile(options.allowedSigners);
  const last = (await readAcceptedBundles(receipt)).at(-1);
  if (last !== undefined && sameButTime(last, now))
    return { ...bundle, receipt, accepted: last, before: true, first: false };
  await appendAcceptedBundle(receipt, now);
  return { ...bundle, receipt, accepted: now, before: false, first: last === undefined };
}

function sameButTime(last: AcceptedRecord, now: AcceptedRecord): boolean {
  const what = ({ manifestSha256, signers, keys, insecure }: AcceptedRecord): string =>
    JSON.stringify([manifestSha256, signers, keys, insecure]);
  return what(last) === what(now);
}
