/** What a site asks of a bundle beyond that it is whole and signed: no older one, no second one of a serial, its platforms. */
import type { Problem } from "../modules/core/errors.ts";
import { inside, type Seal } from "./layout.ts";
import { type Accepted, readReceipt, receiptFile } from "./receipt.ts";
import type { SignaturePolicy } from "./signature.ts";

export interface Policy extends SignaturePolicy {
  /** Platforms that the bundle has to cover: `linux/arm64`. @default any */
  readonly platforms?: readonly string[];
  /** A serial below the last accepted one passes. @default false */
  readonly allowOlder?: boolean;
}

export interface PolicyCheck {
  readonly problems: readonly Problem[];
  /** What a flag has let pass. */
  readonly waived: readonly Problem[];
}

/**
 * Holds a bundle text against what was accepted before and against the platforms that are asked for.
 *
 * @returns E_BUNDLE_SERIAL and E_BUNDLE_PLATFORM as problems.
 * @throws {SealiftError} E_VALUE when the list of accepted bundles cannot be read.
 */
export async function checkPolicy(directory: string, seal: Seal, policy: Policy): Promise<PolicyCheck> {
  const file = receiptFile(policy.allowedSigners);
  const accepted = await readReceipt(file);
  const older = olderProblems(directory, seal, accepted, file);
  const problems = [
    ...twiceProblems(directory, seal, accepted, file),
    ...platformProblems(directory, seal, policy.platforms ?? []),
  ];
  return policy.allowOlder === true
    ? { problems, waived: older }
    : { problems: [...older, ...problems], waived: [] };
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
      todo: "carry in the newest bundle; to go back on purpose: sealift bundle accept --insecure-allow-older",
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
  // The text may be an altered one: then it is refused anyway, and must not stop the telling.
  const held: readonly string[] = Array.isArray(seal.platforms) ? seal.platforms : [];
  return wanted
    .filter((platform) => !held.includes(platform))
    .map((platform) => ({
      where: directory,
      code: "E_BUNDLE_PLATFORM",
      subject: platform,
      got: `a bundle for ${held.join(", ") || "no platform"}`,
      expected: `one for ${platform}`,
      todo: "carry in a bundle that was built for it: platforms in bundle.yaml",
    }));
}
