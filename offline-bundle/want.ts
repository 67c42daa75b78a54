/** bundle.yaml: what the team wants in the bundle, spread out to one entry per version and platform. */
import { basename } from "node:path";
import { refuse } from "../modules/core/errors.ts";
import { isImageReference, readImageName } from "../modules/core/image-name.ts";
import { readDocument } from "./document.ts";
import { outsideProblem } from "./local-source.ts";
import type { Mirrors } from "./mirrors.ts";
import { type Confirmation, type Origin, usualOrigin } from "./origin.ts";
import { duplicates, entryProblems, imageProblems, nameProblems, urlProblems } from "./want-problems.ts";

/** In Docker's words; what the lab and the supported hosts have. */
export type Platform = "linux/amd64" | "linux/arm64";

/** What a file is for: one platform, or any, when it has no architecture. */
export type FilePlatform = Platform | "any";

/**
 * engine: a tarball with dockerd and its companions; archive: any other .tgz; binary: one program, as it is; deb: a package
 * of Debian or Ubuntu in exactly one version; file: anything else, as it is.
 */
export type FileKind = "engine" | "archive" | "binary" | "deb" | "file";

/** One file for one platform. */
export interface WantedFile {
  readonly name: string;
  readonly version: string;
  readonly platform: FilePlatform;
  readonly kind: FileKind;
  /**
   * As written, placeholders filled in: `https:`, `file:` (a relative one counts from the folder of bundle.yaml) or
   * `oci:<registry>/<repository>:<tag>`, a file that is the one layer of an OCI artifact.
   */
  readonly url: string;
  /** SPDX identifier. */
  readonly licence: string;
  /** Name of the Debian package; absent: `name`. */
  readonly package?: string;
}

/** A file as bundle.yaml asks for it: what of it goes into the lock, and what only says how to check it. */
export interface WantedEntry extends WantedFile {
  /** Urls of upstream's checksum files, placeholders filled in. */
  readonly checksums: readonly string[];
  /** A signature of the publisher; absent: nobody is asked. */
  readonly signature?: SignatureOrigin;
  /** A signed apt repository that has this package; absent: nobody is asked. */
  readonly apt?: AptOrigin;
}

/** Keys of a publisher: a file beside bundle.yaml, and the fingerprints of those that count, as a person has compared them. */
export interface PublisherKeys {
  /** Path relative to bundle.yaml, armored or not. */
  readonly keys: string;
  /** Of primary keys, 40 capital hex digits. */
  readonly fingerprints: readonly string[];
}

export interface SignatureOrigin extends PublisherKeys {
  /** Url of a text that signs itself and names the file's sha256, or of a signature over `checksums`, or over the file where there is none. */
  readonly url: string;
}

export interface AptOrigin extends PublisherKeys {
  /** Url of the repository; the file's own url lies below it. */
  readonly repository: string;
  /** Suite or codename, `bookworm`, and component, `stable`. */
  readonly suite: string;
  readonly component: string;
}

/** One image; it travels with all platforms that it has. */
export interface WantedImage {
  /** Full name with tag: `docker.io/library/busybox:1.37`. */
  readonly name: string;
  /** `sha256:…` that the name ends with in bundle.yaml, whatever its tag stands for; absent: what the tag stood for when it was pinned. */
  readonly digest?: string;
  /** Platforms that it has to have, `linux/arm64`; absent: those of the bundle. */
  readonly platforms?: readonly string[];
  /** Line and column in bundle.yaml, for messages. */
  readonly where?: string;
  /** `file:` url of an OCI layout that holds the image under this name; absent: pulled from its registry. */
  readonly from?: string;
  /** Path of the public key by which its owner signs it with cosign, relative to bundle.yaml; absent: nobody is asked. */
  readonly cosign?: string;
}

export interface Want {
  readonly platforms: readonly Platform[];
  /** The last day on which the bundle is good, UTC: `2026-12-31`; absent: it is good for ever. */
  readonly expires?: string;
  readonly files: readonly WantedEntry[];
  readonly images: readonly WantedImage[];
  readonly mirrors: Mirrors;
  /** The least that has to vouch for a pin that is built. */
  readonly minOrigin: Origin;
  /** Bytes that a person vouches for. */
  readonly confirmed: readonly Confirmation[];
}

/** bundle.yaml as written. */
interface BundleFile {
  readonly platforms: readonly Platform[];
  readonly expires?: string;
  readonly files?: readonly Entry[];
  readonly images?: readonly ImageEntry[];
  readonly mirrors?: Mirrors;
  readonly minOrigin?: Origin;
  readonly confirmed?: readonly Confirmation[];
}

/** One entry of `images`, as written: the digest stands in its name. */
export type ImageEntry = Omit<WantedImage, "digest" | "where">;

/** One entry of `files`, as written. */
export interface Entry {
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
 * @throws {SealiftError} E_BUNDLE_MISSING when it is not there; all problems of the file otherwise: E_DUPLICATE, E_CONFLICT
 * and E_VALUE of things that fit their own key only.
 */
export async function readWant(file: string): Promise<Want> {
  const { value, place } = await readDocument<BundleFile>(file, "bundle.schema.json", {
    code: "E_BUNDLE_MISSING",
    todo: "name the file with --file, or write it: offline-bundle/bundle.yaml is an example",
  });
  const entries = value.files ?? [];
  refuse(entries.flatMap((entry, index) => entryProblems(entry, value.platforms, place(["files", index]))));
  const files = entries.flatMap((entry) => spread(entry, value.platforms));
  const entriesOfImages = value.images ?? [];
  refuse(entriesOfImages.flatMap((image, index) => nameProblems(image, place(["images", index, "name"]))));
  const images = entriesOfImages.map((image, index) => wantedImage(image, place(["images", index])));
  const refs = files.map(fileRef);
  refuse([
    ...duplicates(files.map(label), place(["files"])),
    // Two versions that differ only in what a tag cannot hold.
    ...(new Set(files.map(label)).size === files.length ? duplicates(refs, place(["files"])) : []),
    ...duplicates(
      images.map(({ name }) => name),
      place(["images"]),
    ),
    ...images.flatMap((image, index) => imageProblems(image, place(["images", index]))),
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
  const { platforms, expires, mirrors = {}, minOrigin = usualOrigin, confirmed = [] } = value;
  return {
    platforms,
    ...(expires === undefined ? {} : { expires }),
    ...{ files, images, mirrors, minOrigin, confirmed },
  };
}

function wantedImage(entry: ImageEntry, where: string): WantedImage {
  const read = readImageName(entry.name);
  return { ...entry, where, ...(isImageReference(read) ? read : {}) };
}

/** Every url of an entry, placeholders filled in, each once, and the key under which it stands. */
function entryPlaces(
  entry: Entry,
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

/** One for each version and platform. */
function spread(entry: Entry, platforms: readonly Platform[]): readonly WantedEntry[] {
  const { name, kind, licence, url, checksums = [] } = entry;
  const wanted: readonly FilePlatform[] = entry.platform === "any" ? ["any"] : (entry.platforms ?? platforms);
  return entry.versions.flatMap((version) =>
    wanted.map((platform) => {
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

/** What of an entry goes into the lock: how it is to be checked is bundle.yaml's alone. */
export function fileOf(entry: WantedEntry): WantedFile {
  const { name, version, platform, kind, url, licence, package: called } = entry;
  return {
    name,
    version,
    platform,
    kind,
    url,
    licence,
    ...(called === undefined ? {} : { package: called }),
  };
}

/** How a file is called in messages: `docker 28.5.2 linux/amd64`. */
export function label(file: Pick<WantedFile, "name" | "version" | "platform">): string {
  return `${file.name} ${file.version} ${file.platform}`;
}

/** The tag under which a host file stands in the layout: `files/docker:28.5.2-linux-amd64`. */
export function fileRef(file: Pick<WantedFile, "name" | "version" | "platform">): string {
  // A Debian version has characters that a tag cannot hold: they stand as their number.
  const version = file.version.replaceAll(/[^A-Za-z0-9._-]/g, (one) => `_${one.charCodeAt(0).toString(16)}`);
  return `files/${file.name}:${version}-${file.platform.replace("/", "-")}`;
}

/** The last part of a url, made safe: the name under which the bytes travel. */
export function fileTitle(url: string): string {
  const title = url.startsWith("oci:")
    ? basename(url).replace(/@[^@]*$|:[^@:]*$/, "")
    : basename(url.slice(0, `${url}?`.search(/[?#]/)).replace(/^file:/, ""));
  return decoded(title)
    .replaceAll(/[^A-Za-z0-9._+~@ -]/g, "_")
    .replace(/^\.*$/, "file");
}

/** A lock may be somebody else's. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * `{arch}` is Go's word for the processor (amd64), `{machine}` the kernel's (x86_64), `{cpu}` Node's (x64). Debian leaves the
 * epoch of a version out of file names.
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
