/** Accepts a bundle: from then on nothing older passes. */
import { hostname, userInfo } from "node:os";
import { allowExpiredFlag, allowOlderFlag } from "./policy.ts";
import { type Accepted, appendReceipt, readReceipt, receiptFile } from "./receipt.ts";
import { type VerifiedBundle, verifyBundle, type VerifyOptions } from "./verify.ts";

export interface AcceptedBundle extends VerifiedBundle {
  /** Where it is written down. */
  readonly receipt: string;
  /** As it is written down there. */
  readonly accepted: Accepted;
  /** Whether it was written down before, with the same signers and keys: then nothing was added. */
  readonly before: boolean;
  /** Whether the list begins with it. */
  readonly first: boolean;
}

/**
 * Verifies a bundle and writes down that it was accepted.
 *
 * @throws {SealiftError} what {@link verifyBundle} refuses; nothing is written down then.
 */
export async function acceptBundle(directory: string, options: VerifyOptions): Promise<AcceptedBundle> {
  const bundle = await verifyBundle(directory, { ...options, requireAccepted: false, writesList: true });
  const { seal } = bundle;
  const now: Accepted = {
    serial: seal.serial,
    sealSha256: bundle.textSha256,
    lockSha256: seal.lock.sha256,
    indexSha256: seal.index.sha256,
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
  const receipt = receiptFile(options.allowedSigners);
  const last = (await readReceipt(receipt)).at(-1);
  if (last !== undefined && sameButTime(last, now))
    return { ...bundle, receipt, accepted: last, before: true, first: false };
  await appendReceipt(receipt, now);
  return { ...bundle, receipt, accepted: now, before: false, first: last === undefined };
}

function sameButTime(last: Accepted, now: Accepted): boolean {
  const what = ({ sealSha256, signers, keys, insecure }: Accepted): string =>
    JSON.stringify([sealSha256, signers, keys, insecure]);
  return what(last) === what(now);
}
