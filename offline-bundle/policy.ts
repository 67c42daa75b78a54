/** What a site asks of a bundle beyond that it is whole and signed: none that is older or has expired, no second one of a serial, its platforms. */
import type { Problem } from "../modules/core/errors.ts";
import { inside, type Seal } from "./layout.ts";
import { type Accepted, readReceipt, receiptFile } from "./receipt.ts";
import type { SignaturePolicy } from "./signature.ts";

export interface Policy extends SignaturePolicy {
  /** Platforms that the bundle has to cover: `linux/arm64`. @default any */
  readonly platforms?: readonly string[];
  /** A serial below the last accepted one passes. @default false */
  readonly allowOlder?: boolean;
  /** A bundle passes after the last day that it names for itself. @default false */
  readonly allowExpired?: boolean;
  /** Without a list of accepted bundles nothing passes: nobody would know what is older. @default false */
  readonly requireAccepted?: boolean;
  /** This run writes the list: that there is none yet is nothing to tell. @default false */
  readonly writesList?: boolean;
  /** The time it is. @default the clock of this machine */
  readonly now?: Date;
}

export interface PolicyCheck {
  readonly problems: readonly Problem[];
  /** What a flag has let pass. */
  readonly waived: readonly Problem[];
  /** What to tell of a bundle that passes, such as what a flag has let pass when it was accepted. */
  readonly warnings: readonly Problem[];
  /** Up to which serial somebody has gone back on purpose with this bundle or an earlier one: hosts that have seen it go back, too. */
  readonly backFrom?: number | "any";
}

/**
 * Holds a bundle text against what was accepted before, against the day on which it expires, and against the platforms that are
 * asked for.
 *
 * @param textSha256 of the bundle text.
 * @returns E_BUNDLE_SERIAL, E_BUNDLE_EXPIRED and E_BUNDLE_PLATFORM as problems.
 * @throws {SealiftError} E_VALUE when the list of accepted bundles cannot be read.
 */
export async function checkPolicy(
  directory: string,
  seal: Seal,
  textSha256: string,
  policy: Policy,
): Promise<PolicyCheck> {
  const file = receiptFile(policy.allowedSigners);
  const accepted = await readReceipt(file);
  const older = olderProblems(directory, seal, accepted, file);
  const expired = expiredProblems(directory, seal, policy.now ?? new Date());
  const lacks = accepted.length === 0 && policy.writesList !== true;
  const unlisted = lacks ? [noList(directory, file, policy.allowedSigners)] : [];
  // Whoever has accepted it although it had expired has decided, and that stands in the list.
  const last = accepted.at(-1);
  const decided = last?.sealSha256 === textSha256 && last.insecure.includes(allowExpiredFlag);
  const backFrom = goneBackFrom(seal, accepted);
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
      ...twiceProblems(directory, seal, accepted, file),
      ...platformProblems(directory, seal, policy.platforms ?? []),
    ],
    waived: [...(pass.older ? older : []), ...(pass.expired ? expired : [])],
    warnings: [...(pass.unlisted ? unlisted : []), ...(decided && !pass.expired ? expired : [])],
    ...(backFrom === undefined ? {} : { backFrom }),
  };
}

/** As they are written down when they were given. */
export const allowExpiredFlag = "--insecure-allow-expired";
export const allowOlderFlag = "--insecure-allow-older";

/**
 * The bundle to which somebody went back passes on every host, whatever was there before; one that came after it, on hosts that have seen
 * what was accepted before somebody went back.
 */
function goneBackFrom({ serial }: Seal, accepted: readonly Accepted[]): number | "any" | undefined {
  const at = accepted.findLastIndex(({ insecure }) => insecure.includes(allowOlderFlag));
  if (at === -1) return undefined;
  if (accepted[at]?.serial === serial) return "any";
  const before = Math.max(0, ...accepted.slice(0, at).map((one) => one.serial));
  return before > serial ? before : undefined;
}

/** A list that was lost looks like one that was never begun. */
function noList(directory: string, file: string, allowedSigners: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_SERIAL",
    subject: "accepted bundles",
    got: `no list of them (${file}), so that an older bundle would pass`,
    expected: "the list that sealift bundle accept writes",
    todo: `if there was one, put it back; else begin it: sealift bundle accept ${directory} --signers ${allowedSigners}`,
  };
}

/** Whoever keeps newer bundles from a site gives it the same old one for ever: it says itself until when it is good. */
function expiredProblems(directory: string, { expires }: Seal, now: Date): readonly Problem[] {
  if (expires === undefined || now.toISOString().slice(0, "2026-12-31".length) <= expires) return [];
  return [
    {
      where: directory,
      code: "E_BUNDLE_EXPIRED",
      subject: "expires",
      got: `${expires}, which is over (UTC)`,
      expected: "a bundle that is still good today",
      todo: `carry in the newest bundle and check the clock; to use this one on purpose: sealift bundle accept ${allowExpiredFlag}`,
    },
  ];
}

/** The last one counts, not the highest: whoever has accepted an older bundle on purpose goes on from there. */
function olderProblems(
  directory: string,
  { serial }: Seal,
  accepted: readonly Accepted[],
  file: string,
): readonly Problem[] {
  const last = accepted.at(-1);
  if (last === undefined || serial >= last.serial) return [];
  return [
    {
      where: directory,
      code: "E_BUNDLE_SERIAL",
      subject: "serial",
      got: `${serial}, older than what was accepted`,
      expected: `${last.serial} or higher, accepted on ${last.at} (${file})`,
      todo: `carry in the newest bundle; to go back on purpose: sealift bundle accept ${allowOlderFlag}`,
    },
  ];
}

/** One serial is one bundle: whoever builds another one has to raise it, which a change of the lock does. */
function twiceProblems(
  directory: string,
  seal: Seal,
  accepted: readonly Accepted[],
  file: string,
): readonly Problem[] {
  const before = accepted.findLast(({ serial }) => serial === seal.serial);
  if (before === undefined) return [];
  const differs = [
    [inside.lock, before.lockSha256, seal.lock.sha256],
    [inside.index, before.indexSha256, seal.index.sha256],
  ].find(([, was, is]) => was !== is);
  if (differs === undefined) return [];
  const [name = "", was = "", is = ""] = differs;
  return [
    {
      where: directory,
      code: "E_BUNDLE_SERIAL",
      subject: "serial",
      got: `${seal.serial} with another ${name} than before (sha256 ${is})`,
      expected: `sha256 ${was}, accepted as serial ${seal.serial} on ${before.at} (${file})`,
      todo: "find out who built a second bundle of this serial; a change of the lock raises it",
    },
  ];
}

function platformProblems(directory: string, seal: Seal, wanted: readonly string[]): readonly Problem[] {
  const held: readonly string[] = seal.platforms;
  return wanted
    .filter((platform) => !held.includes(platform))
    .map((platform) => ({
      where: directory,
      code: "E_BUNDLE_PLATFORM",
      subject: platform,
      got: `a bundle for ${held.join(", ")}`,
      expected: `one for ${platform}`,
      todo: "carry in a bundle that was built for it: platforms in bundle.yaml",
    }));
}
