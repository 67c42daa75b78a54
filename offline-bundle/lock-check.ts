/** What can be said of a lock without a bundle and without a network: whether every pin can be believed, for every platform. */
import type { Problem } from "../modules/core/errors.ts";
import { readDocument } from "./document.ts";
import { independentPlaces } from "./independent-places.ts";
import { computedHere, type Lock, type LockedFile } from "./lock-file.ts";
import { originOf } from "./origin.ts";
import { label } from "./want.ts";

export interface CheckedLock {
  readonly lock: Lock;
  /** E_PIN_SOURCES, E_BUNDLE_PLATFORM and E_VALUE, each at its line. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a lock and checks what its schema cannot.
 *
 * @throws {SealiftError} E_LOCK_MISSING, or every problem of its form: a pin without sha256, url, licence or sources is one.
 */
export async function checkLock(file: string): Promise<CheckedLock> {
  const { value: lock, place } = await readDocument<Lock>(file, "bundle.lock.schema.json", {
    code: "E_LOCK_MISSING",
    todo: "run: sealift bundle lock",
  });
  const problems = [
    ...lock.files.flatMap((one, at) => [
      ...(originOf(one) === "signature"
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

/** A party vouches once, however many of its files repeat the value; the one that gives the bytes vouches for them by a signature alone. */
function sourceProblems(
  subject: string,
  pin: Pick<LockedFile, "url" | "sources">,
  where: string,
): readonly Problem[] {
  const { sources } = pin;
  if (sources.includes(computedHere) || independentPlaces(pin).length >= 2) return [];
  return [
    {
      where,
      code: "E_PIN_SOURCES",
      subject,
      got: `fewer than two: ${sources.join(", ")}`,
      expected: `two independent places that publish the same sha256, or ${computedHere}`,
      todo: `find a second one, or hash the file yourself and add ${computedHere}`,
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
      got: JSON.stringify(file.licence),
      expected: "an SPDX licence expression",
      todo: "write it in bundle.yaml, like Apache-2.0",
    },
  ];
}

/** The grammar of SPDX, annex D, as far as a slip would break it; the identifiers themselves are not looked up. */
const expression = /^\(*[A-Za-z0-9.+-]+\)*( (AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*$/;

/** A file that one platform has, all have: else a host of the other one finds nothing. */
function platformProblems(lock: Lock, where: (at: number) => string): readonly Problem[] {
  const versions = Map.groupBy(lock.files, ({ name, version }) => `${name} ${version}`);
  return [...versions].flatMap(([subject, files]) => {
    const held: readonly string[] = files.map(({ platform }) => platform);
    const absent = lock.platforms.filter((platform) => !held.includes(platform));
    const [first] = files;
    if (absent.length === 0 || first === undefined) return [];
    return [
      {
        where: where(lock.files.indexOf(first)),
        code: "E_BUNDLE_PLATFORM" as const,
        subject,
        got: `pins for ${held.join(", ")}`,
        expected: `one for ${absent.join(", ")} too`,
        todo: "run: sealift bundle lock",
      },
    ];
  });
}
