/**
 * What a site requires of a bundle beyond integrity and signatures: no older or expired bundle, no second bundle with the same
 * serial, and all its platforms.
 */
import type { Problem } from "../../modules/core/errors.ts";
import { quote } from "../../modules/core/quote.ts";
import { inside, type BundleManifest } from "../oci/layout.ts";
import { type AcceptedRecord, readAcceptedBundles, acceptedBundlesFile } from "./accepted-bundles.ts";
import type { SignaturePolicy } from "./signature.ts";

export interface Policy extends SignaturePolicy {
  /** Platforms that the bundle must cover: `linux/arm64`. @default any */
  readonly platforms?: readonly string[];
  /** Accepts a serial below that of the last accepted bundle. @default false */
  readonly allowOlder?: boolean;
  /** Accepts a bundle after its expiry date. @default false */
  readonly allowExpired?: boolean;
  /** Refuses every bundle when there is no list of accepted bundles, since older ones could not be detected. @default false */
  readonly requireAccepted?: boolean;
  /** This run creates the list: its absence is not worth a warning. @default false */
  readonly writesList?: boolean;
  /** The current time. @default the clock of this machine */
  readonly now?: Date;
}

export interface PolicyCheck {
  readonly problems: readonly Problem[];
  /** Problems that a flag has overridden. */
  readonly overridden: readonly Problem[];
  /** Warnings about a bundle that passes, such as flags with which it was accepted. */
  readonly warnings: readonly Problem[];
  /**
   * The serial from which somebody went back on purpose with this bundle or an earlier one: hosts that have that serial may go
   * back as well.
   */
  readonly backFrom?: number | "any";
}

/**
 * Checks a bundle manifest against the accepted bundles, its expiry date, and the required platforms.
 *
 * @param textSha256 of the bundle manifest.
 * @returns E_BUNDLE_SERIAL, E_BUNDLE_EXPIRED and E_BUNDLE_PLATFORM as problems.
 * @throws {SealiftError} E_VALUE when the list of accepted bundles cannot be read.
 */
export async function checkPolicy(
  directory: string,
  bundleManifest: BundleManifest,
  textSha256: string,
  policy: Policy,
): Promise<PolicyCheck> {
  const file = acceptedBundlesFile(policy.allowedSigners);
  const accepted = await readAcceptedBundles(file);
  const accept = acceptCommand(directory, policy);
  const older = olderProblems(directory, bundleManifest, accepted, file, accept);
  const expired = expiredProblems(directory, bundleManifest, policy.now ?? new Date(), accept);
  const lacks = accepted.length === 0 && policy.writesList !== true;
  const unlisted = lacks ? [noList(directory, file, accept)] : [];
  // Somebody accepted it although it had expired, and the list records that decision.
  const last = accepted.at(-1);
  const decided = last?.manifestSha256 === textSha256 && last.insecure.includes(allowExpiredFlag);
  const backFrom = goneBackFrom(bundleManifest, accepted);
  const pass = {
    older: policy.allowOlder === true,
    expired: policy.allowExpired === true,
    unlisted: policy.requireAccepted !== true,
  };
  return {
    problems: [
      ...(pass.older ? [] : older),
      ...(pass.expired || decided ? [] : expired),
      ...(pass.unlisted ? [] : unlisted),
      ...twiceProblems(directory, bundleManifest, accepted, file),
      ...platformProblems(directory, bundleManifest, policy.platforms ?? []),
    ],
    overridden: [...(pass.older ? older : []), ...(pass.expired ? expired : [])],
    warnings: [...(pass.unlisted ? unlisted : []), ...(decided && !pass.expired ? expired : [])],
    ...(backFrom === undefined ? {} : { backFrom }),
  };
}

/** The flags as the list records them. */
export const allowExpiredFlag = "--insecure-allow-expired";
export const allowOlderFlag = "--insecure-allow-older";

/**
 * The bundle to which somebody went back passes on every host, whatever the host had before; a later bundle passes on hosts that
 * have what was accepted before the step back.
 */
function goneBackFrom(
  { serial }: BundleManifest,
  accepted: readonly AcceptedRecord[],
): number | "any" | undefined {
  const at = accepted.findLastIndex(({ insecure }) => insecure.includes(allowOlderFlag));
  if (at === -1) return undefined;
  if (accepted[at]?.serial === serial) return "any";
  const before = Math.max(0, ...accepted.slice(0, at).map((one) => one.serial));
  return before > serial ? before : undefined;
}

/** The command that accepts this bundle under the same policy. */
function acceptCommand(
  directory: string,
  { allowedSigners, minSignatures = 1, revokedKeys }: Policy,
): string {
  const people = minSignatures > 1 ? ["--min-signatures", String(minSignatures)] : [];
  const revoked = revokedKeys === undefined ? [] : ["--revoked-keys", revokedKeys];
  const words = [directory, "--allowed-signers", allowedSigners, ...people, ...revoked];
  // A control character cannot be quoted; the message escapes it.
  return `sealift bundle accept ${words.map((word) => (/\p{Cc}/u.test(word) ? word : quote(word))).join(" ")}`;
}

/** A lost list looks like one that never existed. */
function noList(directory: string, file: string, accept: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_SERIAL",
    subject: "accepted bundles",
    found: `no list of accepted bundles (${file}), so an older bundle would also be accepted`,
    expected: "the list that sealift bundle accept writes",
    fix: `if there was a list, restore it; otherwise create it on the air-gapped side: ${accept}`,
  };
}

/** An attacker who withholds newer bundles can present the same old one forever: its expiry date ends that. */
function expiredProblems(
  directory: string,
  { expires }: BundleManifest,
  now: Date,
  accept: string,
): readonly Problem[] {
  if (expires === undefined || now.toISOString().slice(0, "2026-12-31".length) <= expires) return [];
  return [
    {
      where: directory,
      code: "E_BUNDLE_EXPIRED",
      subject: "expires",
      found: `the bundle expired on ${expires} (UTC)`,
      expected: "a bundle that is valid today",
      fix: `bring in the newest bundle and check the clock; to use this bundle anyway: ${accept} ${allowExpiredFlag}`,
    },
  ];
}

/** The last accepted serial decides, not the highest: after a deliberate step back, the older one is the reference. */
function olderProblems(
  directory: string,
  { serial }: BundleManifest,
  accepted: readonly AcceptedRecord[],
  file: string,
  accept: string,
): readonly Problem[] {
  const last = accepted.at(-1);
  if (last === undefined || serial >= last.serial) return [];
  return [
    {
      where: directory,
      code: "E_BUNDLE_SERIAL",
      subject: "serial",
      found: `${serial}, older than the accepted bundle`,
      expected: `${last.serial} or higher, accepted on ${last.at} (${file})`,
      fix: `bring in the newest bundle; to go back on purpose: ${accept} ${allowOlderFlag}`,
    },
  ];
}

/** A serial identifies one bundle: every change of the lock increases it. */
function twiceProblems(
  directory: string,
  bundleManifest: BundleManifest,
  accepted: readonly AcceptedRecord[],
  file: string,
): readonly Problem[] {
  const before = accepted.findLast(({ serial }) => serial === bundleManifest.serial);
  if (before === undefined) return [];
  const differs = [
    [inside.lock, before.lockSha256, bundleManifest.lock.sha256],
    [inside.index, before.indexSha256, bundleManifest.index.sha256],
  ].find(([, was, is]) => was !== is);
  if (differs === undefined) return [];
  const [name = "", was = "", is = ""] = differs;
  return [
    {
      where: directory,
      code: "E_BUNDLE_SERIAL",
      subject: "serial",
      found: `${bundleManifest.serial} with a different ${name} than before (sha256 ${is})`,
      expected: `sha256 ${was}, accepted as serial ${bundleManifest.serial} on ${before.at} (${file})`,
      fix: "find out who built a second bundle with this serial; every change of the lock increases the serial",
    },
  ];
}

function platformProblems(
  directory: string,
  bundleManifest: BundleManifest,
  expected: readonly string[],
): readonly Problem[] {
  const held: readonly string[] = bundleManifest.platforms;
  return expected
    .filter((platform) => !held.includes(platform))
    .map((platform) => ({
      where: directory,
      code: "E_BUNDLE_PLATFORM",
      subject: platform,
      found: `a bundle for ${held.join(", ")}`,
      expected: `a bundle for ${platform}`,
      fix: "bring in a bundle that was built for this platform (platforms: in bundle.yaml)",
    }));
}
