/** Reads bundle.yaml and checks what its schema cannot express. */
import { refuse, type ErrorCode, type Problem } from "../../modules/core/errors.ts";
import { isImageReference, readImageName } from "../../modules/core/image-name.ts";
import { appUrl } from "./app-url.ts";
import { readDocument } from "./document.ts";
import { dirname, join, resolve } from "node:path";
import { outsideProblem } from "./local-source.ts";
import type { Mirrors } from "./mirrors.ts";
import { type Confirmation, type Origin, defaultMinOrigin } from "./origin.ts";
import {
  type FileKind,
  type FilePlatform,
  type FileSourceSpec,
  type ImageSpec,
  type NpmSource,
  type Platform,
  type SignatureOrigin,
  type AptOrigin,
  type BundleSpec,
  fileRef,
  label,
} from "./bundle-spec.ts";
import { npmPackages, readPackageLock } from "./package-lock.ts";
import { printable } from "../io/printable.ts";

/** bundle.yaml as written. */
interface BundleFile {
  readonly platforms: readonly Platform[];
  readonly expires?: string;
  readonly files?: readonly FileEntry[];
  readonly images?: readonly ImageEntry[];
  readonly apps?: readonly AppEntry[];
  readonly npm?: NpmSource;
  readonly mirrors?: Mirrors;
  readonly minOrigin?: Origin;
  readonly confirmed?: readonly Confirmation[];
}

/** One entry of `images`, as written: the digest is part of the name. */
export type ImageEntry = Omit<ImageSpec, "digest" | "where">;

/** One entry of `apps`, as written. */
interface AppEntry {
  readonly name: string;
  readonly versions: readonly string[];
  /** Path of the Compose file, relative to bundle.yaml. */
  readonly compose: string;
  readonly licence: string;
  readonly swarm?: true;
}

/** One entry of `files`, as written. */
export interface FileEntry {
  readonly name: string;
  readonly versions: readonly string[];
  readonly kind: FileKind;
  readonly url: string;
  readonly licence: string;
  readonly platforms?: readonly Platform[];
  readonly platform?: "any";
  readonly package?: string;
  readonly checksums?: string | readonly string[];
  readonly signature?: SignatureOrigin;
  readonly apt?: AptOrigin;
}

/**
 * Reads bundle.yaml.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING when it does not exist; all problems of the file otherwise: E_DUPLICATE, E_CONFLICT and
 * E_VALUE for values that are valid only by themselves; E_PACKAGE_LOCK of the package-lock.json that it names.
 */
export async function readBundleSpec(file: string): Promise<BundleSpec> {
  const { value, place } = await readDocument<BundleFile>(file, "bundle.schema.json", {
    code: "E_BUNDLE_MISSING",
    fix: "pass the file with --file, or create it; offline-bundle/bundle.yaml is an example",
  });
  const entries = value.files ?? [];
  refuse(entries.flatMap((entry, index) => entryProblems(entry, value.platforms, place(["files", index]))));
  refuse((value.apps ?? []).flatMap((app, index) => appProblems(app, place(["apps", index, "compose"]))));
  const npm = value.npm === undefined ? undefined : locatedIn(dirname(file), value.npm);
  const files = [
    ...entries.flatMap((entry) => spread(entry, value.platforms)),
    ...(value.apps ?? []).flatMap(projects),
    ...(npm === undefined
      ? []
      : npmPackages(await readPackageLock(npm.lockfile, dirname(dirname(resolve(file)))), value.platforms)),
  ];
  const entriesOfImages = value.images ?? [];
  refuse(entriesOfImages.flatMap((image, index) => nameProblems(image, place(["images", index, "name"]))));
  const images = entriesOfImages.map((image, index) => requestedImage(image, place(["images", index])));
  const refs = files.map(fileRef);
  refuse([
    ...duplicateEntries(files.map(label), place(["files"])),
    // Two versions that differ only in characters that a tag cannot have.
    ...(new Set(files.map(label)).size === files.length ? duplicateEntries(refs, place(["files"])) : []),
    ...duplicateEntries(
      images.map(({ name }) => name),
      place(["images"]),
    ),
    ...images.flatMap((image, index) => imageEntryProblems(image, place(["images", index]))),
    ...entries.flatMap((entry, index) => [
      ...entryPlaces(entry, value.platforms).flatMap(({ url, key }) => {
        const [where, subject] = [place(["files", index, key]), `${entry.name} ${key}`];
        const outside = outsideProblem(url, file, where, subject);
        return [...urlProblems(url, where, subject), ...(outside === undefined ? [] : [outside])];
      }),
    ]),
    ...images.flatMap((image, index) =>
      (["from", "cosign"] as const).flatMap(
        (key) =>
          outsideProblem(image[key] ?? "", file, place(["images", index, key]), `${image.name} ${key}`) ?? [],
      ),
    ),
  ]);
  const { platforms, expires, mirrors = {}, minOrigin = defaultMinOrigin, confirmed = [] } = value;
  return {
    platforms,
    ...(expires === undefined ? {} : { expires }),
    ...{ files, images, mirrors, minOrigin, confirmed },
    ...(npm === undefined ? {} : { npm }),
  };
}

/** One file for each version of an application. */
function projects({ name, versions, compose, licence, swarm }: AppEntry): readonly FileSourceSpec[] {
  return versions.map((version) => ({
    ...{ name, version, platform: "any", kind: "app", licence, checksums: [] },
    url: appUrl(compose.replaceAll("{version}", version)),
    ...(swarm === undefined ? {} : { swarm }),
  }));
}

/** Versions without a folder of their own would be the same project. */
function appProblems({ name, versions, compose }: AppEntry, where: string): readonly Problem[] {
  if (versions.length === 1 || compose.includes("{version}")) return [];
  return [
    {
      where,
      code: "E_CONFLICT",
      subject: name,
      found: `one Compose file for the versions ${versions.join(", ")}`,
      expected: "{version} in the path of the Compose file",
      fix: `write a path such as ../apps/${name}/{version}/compose.yaml`,
    },
  ];
}

/** With the path of package-lock.json relative to the working directory. */
function locatedIn(folder: string, npm: NpmSource): NpmSource {
  return { ...npm, lockfile: join(folder, npm.lockfile) };
}

function requestedImage(entry: ImageEntry, where: string): ImageSpec {
  const read = readImageName(entry.name);
  return { ...entry, where, ...(isImageReference(read) ? read : {}) };
}

/** Every URL of an entry, placeholders filled in, each once, and its key. */
function entryPlaces(
  entry: FileEntry,
  platforms: readonly Platform[],
): readonly { readonly url: string; readonly key: "url" | "checksums" | "signature" | "apt" }[] {
  const all = spread(entry, platforms);
  const urls = [...new Set(all.map(({ url }) => url))].map((url) => ({ url, key: "url" as const }));
  const checksums = [...new Set(all.flatMap((one) => one.checksums))];
  const signatures = [...new Set(all.flatMap(({ signature }) => signature?.url ?? []))];
  return [
    ...urls,
    ...checksums.map((url) => ({ url, key: "checksums" as const })),
    ...signatures.map((url) => ({ url, key: "signature" as const })),
    ...(entry.apt === undefined ? [] : [{ url: entry.apt.repository, key: "apt" as const }]),
    ...[entry.signature, entry.apt].flatMap((origin, at) =>
      origin === undefined
        ? []
        : [{ url: `file:${origin.keys}`, key: at === 0 ? ("signature" as const) : ("apt" as const) }],
    ),
  ];
}

/** One entry for each version and platform. */
function spread(entry: FileEntry, platforms: readonly Platform[]): readonly FileSourceSpec[] {
  const { name, kind, licence, url, checksums = [] } = entry;
  const platformsOfEntry: readonly FilePlatform[] =
    entry.platform === "any" ? ["any"] : (entry.platforms ?? platforms);
  return entry.versions.flatMap((version) =>
    platformsOfEntry.map((platform) => {
      const filled = (text: string): string => fill(text, kind, version, platform);
      return {
        ...{ name, kind, version, platform, licence, url: filled(url) },
        ...(entry.package === undefined ? {} : { package: entry.package }),
        checksums: [checksums].flat().map(filled),
        ...(entry.signature === undefined
          ? {}
          : { signature: { ...entry.signature, url: filled(entry.signature.url) } }),
        ...(entry.apt === undefined ? {} : { apt: entry.apt }),
      };
    }),
  );
}

/**
 * `{arch}` is Go's name of the processor (amd64), `{machine}` the kernel's (x86_64), `{cpu}` Node's (x64). Debian omits the epoch
 * of a version in file names.
 */
function fill(text: string, kind: FileKind, version: string, platform: FilePlatform): string {
  const [arch, machine, cpu] =
    platform === "linux/amd64" ? ["amd64", "x86_64", "x64"] : ["arm64", "aarch64", "arm64"];
  return text
    .replaceAll("{version}", kind === "deb" ? version.replace(/^\d+:/, "") : version)
    .replaceAll("{arch}", arch)
    .replaceAll("{machine}", machine)
    .replaceAll("{cpu}", cpu);
}

/** What a schema cannot express about one entry. */
function entryProblems(entry: FileEntry, platforms: readonly Platform[], where: string): readonly Problem[] {
  const problem = (code: ErrorCode, found: string, expected: string, fix: string): Problem[] => [
    { where, code, subject: entry.name, found, expected, fix },
  ];
  const foreign = (entry.platforms ?? []).filter((one) => !platforms.includes(one));
  const texts = [entry.url, entry.checksums ?? []].flat();
  return [
    ...(entry.platform !== undefined && entry.platforms !== undefined
      ? problem("E_CONFLICT", "both platform: any and platforms", "one of the two", "remove one of them")
      : []),
    ...(foreign.length > 0
      ? problem(
          "E_VALUE",
          foreign.join(),
          `platforms of the bundle: ${platforms.join()}`,
          "add the platform to the bundle, or remove it here",
        )
      : []),
    ...(entry.platform === "any" && texts.some((text) => /\{(arch|machine|cpu)\}/.test(text))
      ? problem(
          "E_CONFLICT",
          "the url contains an architecture",
          "a url without an architecture, since platform is any",
          "remove platform: any",
        )
      : []),
    ...(entry.signature !== undefined && entry.apt !== undefined
      ? problem("E_CONFLICT", "both signature and apt", "one of the two", "remove one of them")
      : []),
    ...(entry.signature !== undefined && [entry.checksums ?? []].flat().length > 1
      ? problem(
          "E_CONFLICT",
          "a signature and several checksum files",
          "the one that is signed",
          "remove the other entries",
        )
      : []),
    ...(entry.apt !== undefined && !entry.url.startsWith(`${entry.apt.repository.replace(/\/$/, "")}/`)
      ? problem(
          "E_CONFLICT",
          "the url is not below apt.repository",
          "a package from that repository",
          "correct url or apt.repository",
        )
      : []),
    ...(entry.package !== undefined && entry.kind !== "deb"
      ? problem(
          "E_CONFLICT",
          `package on a file of kind ${entry.kind}`,
          "package only on kind deb",
          "remove the key",
        )
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

/** A URL that cannot be requested or decoded: `%` must precede two hex digits. */
function urlProblems(url: string, where: string, subject: string): readonly Problem[] {
  if (!url.startsWith("https:") || isReadable(url)) return [];
  const expected = "a valid url, with %25 for a percent sign";
  return [{ where, code: "E_VALUE", subject, found: printable(url), expected, fix: "correct the url" }];
}

function isReadable(url: string): boolean {
  try {
    decodeURIComponent(new URL(url).pathname);
    return true;
  } catch {
    return false;
  }
}

/** An invalid name, with the nearest valid one. */
export function nameProblems({ name }: Pick<ImageSpec, "name">, where: string): readonly Problem[] {
  const read = readImageName(name);
  return isImageReference(read) ? [] : [{ where, code: "E_VALUE", subject: "images name", ...read }];
}

/** A layout on disk has no signatures. */
function imageEntryProblems({ name, from, cosign }: ImageSpec, where: string): readonly Problem[] {
  if (from === undefined || cosign === undefined) return [];
  const fix = "remove cosign, or pull the image from its registry";
  return [
    { where, code: "E_CONFLICT", subject: name, found: "from and cosign", expected: "one of them", fix },
  ];
}

/** Repeated entries. */
function duplicateEntries(names: readonly string[], where: string): readonly Problem[] {
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => ({
    where,
    code: "E_DUPLICATE",
    subject: name,
    found: "more than one entry",
    expected: "one",
    fix: "remove the other entries",
  }));
}
