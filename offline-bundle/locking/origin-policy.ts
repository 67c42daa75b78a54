/** Whether a pin has the origin that bundle.yaml requires. Pure. */
import type { Problem } from "../../modules/core/errors.ts";
import { independentPlaces } from "./independent-places.ts";
import type { Lock, LockedFile } from "../spec/lock-file.ts";
import { label, type BundleSpec, type FileSourceSpec } from "../spec/bundle-spec.ts";
import { type Origin, originOf, rank } from "../spec/origin.ts";

/**
 * Pins that bundle.yaml does not admit: E_PIN_ORIGIN. A recorded origin is trusted only as far as bundle.yaml still names its
 * evidence and this machine has asked the publisher, so that a lock cannot raise its own origins.
 *
 * @param unproven label of a file -> why its recorded origin is not trusted here ({@link unattested} of attestation.ts).
 */
export function originProblems(
  spec: BundleSpec,
  lock: Lock,
  lockFile: string,
  unproven: ReadonlyMap<string, string>,
): readonly Problem[] {
  const { minOrigin, confirmed } = spec;
  return lock.files.flatMap((file): readonly Problem[] => {
    // A project is part of the repository, where it is reviewed: nobody else publishes it.
    if (file.kind === "app") return [];
    const entry = spec.files.find((one) => label(one) === label(file));
    const { effective, why } = countedOrigin(file, againstRecord(file, entry) ?? unproven.get(label(file)));
    if (rank(effective) >= rank(minOrigin) || confirmed.some(({ sha256 }) => sha256 === file.sha256))
      return [];
    return [
      {
        where: lockFile,
        code: "E_PIN_ORIGIN",
        subject: label(file),
        found: `${effective === "unverified" ? "self-computed, unverified" : effective}${why}: ${file.sources.join(", ")}`,
        expected: `${minOrigin} or better (minOrigin)`,
        fix: `run sealift bundle fetch (or sealift bundle lock for a new pin) where the publisher can be reached; or verify the file yourself and add to bundle.yaml: confirmed: [{ sha256: ${file.sha256}, by: <you>, reason: <how> }]`,
      },
    ];
  });
}

/** @param against why the recorded origin is not trusted. */
function countedOrigin(
  file: LockedFile,
  against: string | undefined,
): { readonly effective: Origin; readonly why: string } {
  const origin = originOf(file);
  if (against === undefined) return { effective: origin, why: "" };
  return { effective: "unverified", why: `, although the lock records ${origin} (${against})` };
}

/** Why bundle.yaml and the lock alone do not support the recorded origin; undefined when they do. */
export function againstRecord(file: LockedFile, entry: FileSourceSpec | undefined): string | undefined {
  const origin = originOf(file);
  if (origin === "signature") {
    const fingerprints = (entry?.signature ?? entry?.apt)?.fingerprints ?? [];
    if (!fingerprints.includes(file.signedBy ?? ""))
      return "bundle.yaml does not name the key by which it was signed";
  }
  // The bytes of a package are compared with this sha512 whenever they are packed.
  if (origin === "checksum" && entry?.integrity !== undefined)
    return file.integrity === entry.integrity ? undefined : "package-lock.json has another integrity";
  if (origin === "checksum") {
    const { checksums = [] } = entry ?? {};
    if (checksums.length === 0 || !checksums.every((url) => file.sources.includes(url)))
      return "its sources do not include the checksum files of bundle.yaml";
  }
  if (origin === "agreement" && independentPlaces(file).length < 2)
    return "fewer than two independent sources are listed";
  return undefined;
}

/** A new origin below the recorded one for the same bytes: either a man in the middle, or bundle.yaml has lost an entry. */
export function loweredProblem(
  entry: FileSourceSpec,
  before: LockedFile | undefined,
  after: Pick<LockedFile, "sha256" | "origin">,
): Problem | undefined {
  if (before?.sha256 !== after.sha256 || rank(originOf(after)) >= rank(originOf(before))) return undefined;
  return {
    where: entry.url,
    code: "E_PIN_ORIGIN",
    subject: label(entry),
    found: `${originOf(after)}, but the lock records ${originOf(before)}`,
    expected: "the recorded origin, or a stronger one",
    fix: `restore the signature or checksums of this entry in bundle.yaml; or, if the change is intended: sealift bundle lock --update ${entry.name}`,
  };
}
