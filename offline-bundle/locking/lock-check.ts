/** Checks of a lock without a bundle and without a network: whether every pin is attested, for every platform. */
import type { Problem } from "../../modules/core/errors.ts";
import { readDocument } from "../spec/document.ts";
import { independentPlaces } from "./independent-places.ts";
import { selfComputed, type Lock, type LockedFile } from "../spec/lock-file.ts";
import { originOf } from "../spec/origin.ts";
import { label } from "../spec/bundle-spec.ts";

export interface CheckedLock {
  readonly lock: Lock;
  /** E_PIN_SOURCES, E_BUNDLE_PLATFORM and E_VALUE, each at its line. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a lock and checks what its schema cannot express.
 *
 * @throws {SealiftError} E_LOCK_MISSING, or every problem of its form, such as a pin without sha256, url, licence or sources.
 */
export async function checkLock(file: string): Promise<CheckedLock> {
  const { value: lock, place } = await readDocument<Lock>(file, "bundle.lock.schema.json", {
    code: "E_LOCK_MISSING",
    fix: "run: sealift bundle lock",
  });
  const problems = [
    ...lock.files.flatMap((one, at) => [
      ...(originOf(one) === "signature" || one.integrity !== undefined
        ? []
        : sourceProblems(label(one), one, place(["files", at, "sources"]))),
      ...licenceProblems(one, place(["files", at, "licence"])),
    ]),
    ...lock.images.flatMap(({ name, sources }, at) =>
      sourceProblems(name, { url: `oci:${name}`, sources }, place(["images", at, "sources"])),
    ),
    ...platformProblems(lock, (at) => place(["files", at])),
  ];
  return { lock, problems };
}

/**
 * A party attests once, however many of its files repeat the value; the party that serves the bytes attests them only by a
 * signature.
 */
function sourceProblems(
  subject: string,
  pin: Pick<LockedFile, "url" | "sources">,
  where: string,
): readonly Problem[] {
  const { sources } = pin;
  if (sources.includes(selfComputed) || independentPlaces(pin).length >= 2) return [];
  return [
    {
      where,
      code: "E_PIN_SOURCES",
      subject,
      found: `fewer than two: ${sources.join(", ")}`,
      expected: `two independent sources that publish the same sha256, or ${selfComputed}`,
      fix: `find a second source, or hash the file yourself and add ${selfComputed}`,
    },
  ];
}

function licenceProblems(file: LockedFile, where: string): readonly Problem[] {
  if (expression.test(file.licence)) return [];
  return [
    {
      where,
      code: "E_VALUE",
      subject: label(file),
      found: JSON.stringify(file.licence),
      expected: "an SPDX licence expression",
      fix: "set licence: in bundle.yaml, for example Apache-2.0",
    },
  ];
}

/** The grammar of SPDX, annex D, as far as needed to catch typos; the identifiers themselves are not looked up. */
const expression = /^\(*[A-Za-z0-9.+-]+\)*( (AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*$/;

/** A file that is pinned for one platform must be pinned for all: otherwise a host of another platform lacks it. */
function platformProblems(lock: Lock, where: (at: number) => string): readonly Problem[] {
  const versions = Map.groupBy(lock.files, ({ name, version }) => `${name} ${version}`);
  return [...versions].flatMap(([subject, files]) => {
    const held: readonly string[] = files.map(({ platform }) => platform);
    const absent = lock.platforms.filter((platform) => !held.includes(platform));
    const [first] = files;
    // A package for one platform is an optional dependency: npm installs it there alone.
    if (absent.length === 0 || first === undefined || held.includes("any") || first.kind === "npm") return [];
    return [
      {
        where: where(lock.files.indexOf(first)),
        code: "E_BUNDLE_PLATFORM" as const,
        subject,
        found: `pins for ${held.join(", ")} only`,
        expected: `a pin for ${absent.join(", ")} as well`,
        fix: "run: sealift bundle lock",
      },
    ];
  });
}
