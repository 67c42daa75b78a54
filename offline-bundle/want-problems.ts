/** What a schema cannot say of bundle.yaml: things that fit their own key only. */
import type { ErrorCode, Problem } from "../modules/core/errors.ts";
import { isImageReference, readImageName } from "../modules/core/image-name.ts";
import { printable } from "./printable.ts";
import type { Entry, Platform, WantedImage } from "./want.ts";

/** What a schema cannot say about one entry. */
export function entryProblems(
  entry: Entry,
  platforms: readonly Platform[],
  where: string,
): readonly Problem[] {
  const problem = (code: ErrorCode, got: string, expected: string, todo: string): Problem[] => [
    { where, code, subject: entry.name, got, expected, todo },
  ];
  const foreign = (entry.platforms ?? []).filter((one) => !platforms.includes(one));
  const texts = [entry.url, entry.checksums ?? []].flat();
  return [
    ...(entry.platform !== undefined && entry.platforms !== undefined
      ? problem("E_CONFLICT", "platform: any and platforms", "one of them", "remove the other")
      : []),
    ...(foreign.length > 0
      ? problem("E_VALUE", foreign.join(), `platforms of the bundle: ${platforms.join()}`, "add it there too")
      : []),
    ...(entry.platform === "any" && texts.some((text) => /\{(arch|machine|cpu)\}/.test(text))
      ? problem("E_CONFLICT", "a url with an architecture", "none, as it is for any", "remove platform: any")
      : []),
    ...(entry.signature !== undefined && entry.apt !== undefined
      ? problem("E_CONFLICT", "signature and apt", "one of them", "remove the other")
      : []),
    ...(entry.signature !== undefined && [entry.checksums ?? []].flat().length > 1
      ? problem(
          "E_CONFLICT",
          "a signature and several checksums",
          "the one that is signed",
          "remove the others",
        )
      : []),
    ...(entry.apt !== undefined && !entry.url.startsWith(`${entry.apt.repository.replace(/\/$/, "")}/`)
      ? problem(
          "E_CONFLICT",
          "a url that is not below apt.repository",
          "a package of that repository",
          "correct one of them",
        )
      : []),
    ...(entry.package !== undefined && entry.kind !== "deb"
      ? problem("E_CONFLICT", `package of a ${entry.kind}`, "package of a deb only", "remove the key")
      : []),
    ...(entry.kind === "engine" && entry.platform === "any"
      ? problem("E_CONFLICT", "an engine for any platform", "a platform", "remove platform: any")
      : []),
    ...(entry.kind === "deb" ? [] : entry.versions.filter((version) => /[:+~]/.test(version))).flatMap(
      (version) =>
        problem("E_VALUE", version, "letters, digits, dots, dashes, underscores", "correct the version"),
    ),
  ];
}

/** A url that no program could ask for, or whose name cannot be read: `%` has to stand before two hex digits. */
export function urlProblems(url: string, where: string, subject: string): readonly Problem[] {
  if (!url.startsWith("https:") || isReadable(url)) return [];
  const expected = "a url that can be read, with %25 for a percent sign";
  return [{ where, code: "E_VALUE", subject, got: printable(url), expected, todo: "correct it" }];
}

function isReadable(url: string): boolean {
  try {
    decodeURIComponent(new URL(url).pathname);
    return true;
  } catch {
    return false;
  }
}

/** A name that is none, with the one that was probably meant. */
export function nameProblems({ name }: Pick<WantedImage, "name">, where: string): readonly Problem[] {
  const read = readImageName(name);
  return isImageReference(read) ? [] : [{ where, code: "E_VALUE", subject: "images name", ...read }];
}

/** A layout on disk keeps no signatures. */
export function imageProblems({ name, from, cosign }: WantedImage, where: string): readonly Problem[] {
  if (from === undefined || cosign === undefined) return [];
  const todo = "remove cosign, or pull the image from its registry";
  return [
    { where, code: "E_CONFLICT", subject: name, got: "from and cosign", expected: "one of them", todo },
  ];
}

/** What stands there more than once. */
export function duplicates(names: readonly string[], where: string): readonly Problem[] {
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => ({
    where,
    code: "E_DUPLICATE",
    subject: name,
    got: "more than one entry",
    expected: "one",
    todo: "remove the others",
  }));
}
