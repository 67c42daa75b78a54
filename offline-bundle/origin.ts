/** Who vouches for a pin, ranked, and what a team asks of it. Pure. */
import type { Problem } from "../modules/core/errors.ts";
import { independentPlaces } from "./independent-places.ts";
import type { Lock, LockedFile } from "./lock-file.ts";
import { label, type Want, type WantedEntry } from "./want.ts";

/**
 * From weak to strong. unverified: computed here, or published by nobody who is known; agreement: a person has found several credible
 * parties that do not copy each other; checksum: a checksum file of the publisher, over https; signature: a signature of the publisher by
 * a key whose fingerprint stands in bundle.yaml.
 */
export const origins = ["unverified", "agreement", "checksum", "signature"] as const;
export type Origin = (typeof origins)[number];

/** What a pin needs when bundle.yaml does not say it. */
export const usualOrigin: Origin = "agreement";

/** A person's word for exact bytes that nobody else vouches for. */
export interface Confirmation {
  readonly sha256: string;
  /** Who has looked. */
  readonly by: string;
  /** How. */
  readonly reason: string;
}

export function rank(origin: Origin): number {
  return origins.indexOf(origin);
}

/** What a lock says of a pin; a lock of an earlier Sealift says nothing. */
export function originOf({ origin }: Pick<LockedFile, "origin">): Origin {
  return origin ?? "unverified";
}

/**
 * Pins that bundle.yaml does not let into a bundle: E_PIN_ORIGIN. A recorded rank counts only as far as bundle.yaml still names what it
 * rests on and somebody was asked for it from this machine, so that a lock cannot raise itself.
 *
 * @param unproven label of a file -> why its recorded rank does not count here ({@link unproven} of vouching.ts).
 */
export function originProblems(
  want: Want,
  lock: Lock,
  lockFile: string,
  unproven: ReadonlyMap<string, string>,
): readonly Problem[] {
  const { minOrigin, confirmed } = want;
  return lock.files.flatMap((file): readonly Problem[] => {
    const entry = want.files.find((one) => label(one) === label(file));
    const { counts, why } = countedOrigin(file, againstRecord(file, entry) ?? unproven.get(label(file)));
    if (rank(counts) >= rank(minOrigin) || confirmed.some(({ sha256 }) => sha256 === file.sha256)) return [];
    return [
      {
        where: lockFile,
        code: "E_PIN_ORIGIN",
        subject: label(file),
        got: `${counts === "unverified" ? "computed here, unverified" : counts}${why}: ${file.sources.join(", ")}`,
        expected: `${minOrigin} or better (minOrigin)`,
        todo: `run sealift bundle fetch, or lock for a new pin, where the publisher can be reached; or look at the bytes yourself, and add to bundle.yaml: confirmed: [{ sha256: ${file.sha256}, by: <you>, reason: <how> }]`,
      },
    ];
  });
}

/** @param against why the recorded rank does not count. */
function countedOrigin(
  file: LockedFile,
  against: string | undefined,
): { readonly counts: Origin; readonly why: string } {
  const origin = originOf(file);
  if (against === undefined) return { counts: origin, why: "" };
  return { counts: "unverified", why: `, though the lock says ${origin} (${against})` };
}

/** Why bundle.yaml and the lock alone do not bear out the recorded rank; undefined when they do. */
export function againstRecord(file: LockedFile, entry: WantedEntry | undefined): string | undefined {
  const origin = originOf(file);
  if (origin === "signature") {
    const fingerprints = (entry?.signature ?? entry?.apt)?.fingerprints ?? [];
    if (!fingerprints.includes(file.signedBy ?? ""))
      return "bundle.yaml does not name the key by which it was signed";
  }
  if (origin === "checksum") {
    const { checksums = [] } = entry ?? {};
    if (checksums.length === 0 || !checksums.every((url) => file.sources.includes(url)))
      return "the checksum files of bundle.yaml are not among its sources";
  }
  if (origin === "agreement" && independentPlaces(file).length < 2)
    return "fewer than two independent places are named";
  return undefined;
}

/** A rank that would be recorded below the one that is there for the same bytes: somebody is in between, or bundle.yaml has lost a line. */
export function loweredProblem(
  entry: WantedEntry,
  before: LockedFile | undefined,
  after: Pick<LockedFile, "sha256" | "origin">,
): Problem | undefined {
  if (before?.sha256 !== after.sha256 || rank(originOf(after)) >= rank(originOf(before))) return undefined;
  return {
    where: entry.url,
    code: "E_PIN_ORIGIN",
    subject: label(entry),
    got: `${originOf(after)}, where the lock has ${originOf(before)}`,
    expected: "the rank that was there, or a better one",
    todo: `put back what vouched for it in bundle.yaml; or, when it is meant: sealift bundle lock --update ${entry.name}`,
  };
}
