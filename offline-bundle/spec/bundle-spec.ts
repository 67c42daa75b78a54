/** bundle.yaml: what the team wants in the bundle, expanded to one entry per version and platform. */
import { basename } from "node:path";
import { composePath } from "./app-url.ts";
import type { Mirrors } from "./mirrors.ts";
import { readNpmUrl } from "./npm-url.ts";
import type { Confirmation, Origin } from "./origin.ts";

/** In Docker's notation; the platforms of the supported hosts. */
export type Platform = "linux/amd64" | "linux/arm64";

/** The platform of a file: one platform, or any, when it is independent of the architecture. */
export type FilePlatform = Platform | "any";

/**
 * engine: a tarball with dockerd and its companions; archive: any other .tgz; binary: a single program; deb: a package of Debian
 * or Ubuntu in exactly one version; npm: a package of package-lock.json; app: the Compose project of one version of an application;
 * file: anything else, unchanged.
 */
export type FileKind = "engine" | "archive" | "binary" | "deb" | "npm" | "app" | "file";

/** One file for one platform. */
export interface FileSpec {
  readonly name: string;
  readonly version: string;
  readonly platform: FilePlatform;
  readonly kind: FileKind;
  /**
   * As written, placeholders filled in: `https:`, `file:` (relative to the folder of bundle.yaml) or
   * `oci:<registry>/<repository>:<tag>`, a file that is the only layer of an OCI artifact. Of an npm package
   * `npm:<name>@<version>`, from the registry that npm is configured with, or `npm:<name>@file:<path>`, a tarball beside
   * package-lock.json. Of an app `app:<path of its Compose file>`, relative to bundle.yaml.
   */
  readonly url: string;
  /** SPDX identifier. */
  readonly licence: string;
  /** Name of the npm package or Debian package; absent: `name`. */
  readonly package?: string;
  /** Of an npm package: its sha512 as in package-lock.json, `sha512-` and base64. */
  readonly integrity?: string;
}

/** A file as bundle.yaml requests it: the properties that go into the lock, and those that define only how it is checked. */
export interface FileSourceSpec extends FileSpec {
  /** URLs of the publisher's checksum files, placeholders filled in. */
  readonly checksums: readonly string[];
  /** A signature of the publisher; absent: none is checked. */
  readonly signature?: SignatureOrigin;
  /** A signed apt repository that has this package; absent: none is checked. */
  readonly apt?: AptOrigin;
  /** Of an app: a site may run it on its swarm. */
  readonly swarm?: true;
}

/** Keys of a publisher: a file beside bundle.yaml, and the fingerprints of the trusted keys, as a person has verified them. */
export interface PublisherKeys {
  /** Path relative to bundle.yaml, armored or not. */
  readonly keys: string;
  /** Of primary keys, 40 capital hex digits. */
  readonly fingerprints: readonly string[];
}

export interface SignatureOrigin extends PublisherKeys {
  /**
   * URL of a clear-signed text with the file's sha256, or of a signature over `checksums`, or over the file where there is none.
   */
  readonly url: string;
}

export interface AptOrigin extends PublisherKeys {
  /** URL of the repository; the file's own URL is below it. */
  readonly repository: string;
  /** Suite or codename, `bookworm`, and component, `stable`. */
  readonly suite: string;
  readonly component: string;
}

/** One image; the bundle carries all platforms that it has. */
export interface ImageSpec {
  /** Full name with tag: `docker.io/library/busybox:1.37`. */
  readonly name: string;
  /**
   * `sha256:…` at the end of the name in bundle.yaml, whatever its tag points to; absent: the digest of the tag when it was
   * pinned.
   */
  readonly digest?: string;
  /** Platforms that it must have, `linux/arm64`; absent: those of the bundle. */
  readonly platforms?: readonly string[];
  /** Line and column in bundle.yaml, for messages. */
  readonly where?: string;
  /** `file:` URL of an OCI layout that has the image under this name; absent: pulled from its registry. */
  readonly from?: string;
  /**
   * Path of the public key with which its owner signs it with cosign, relative to bundle.yaml; absent: no signature is checked.
   */
  readonly cosign?: string;
}

/** Where npm packages come from. */
export interface NpmSource {
  /** Path of package-lock.json. */
  readonly lockfile: string;
  /** URL of the registry; absent: the one that npm is configured with. */
  readonly registry?: string;
}

export interface BundleSpec {
  readonly platforms: readonly Platform[];
  /** The last day on which the bundle is valid, UTC: `2026-12-31`; absent: it never expires. */
  readonly expires?: string;
  readonly files: readonly FileSourceSpec[];
  readonly images: readonly ImageSpec[];
  /** Absent: the bundle carries no npm packages. */
  readonly npm?: NpmSource;
  readonly mirrors: Mirrors;
  /** The weakest origin with which a pin is built. */
  readonly minOrigin: Origin;
  /** Bytes that a person has confirmed. */
  readonly confirmed: readonly Confirmation[];
}

/** The properties of an entry that go into the lock: how it is checked is only in bundle.yaml. */
export function fileOf(entry: FileSourceSpec): FileSpec {
  const { name, version, platform, kind, url, licence, package: called, integrity } = entry;
  return {
    name,
    version,
    platform,
    kind,
    url,
    licence,
    ...(called === undefined ? {} : { package: called }),
    ...(integrity === undefined ? {} : { integrity }),
  };
}

/** Name of the file in messages: `docker 28.5.2 linux/amd64`. */
export function label(file: Pick<FileSpec, "name" | "version" | "platform">): string {
  return `${file.name} ${file.version} ${file.platform}`;
}

/** The tag of a host file in the layout: `files/docker:28.5.2-linux-amd64`. */
export function fileRef(file: Pick<FileSpec, "name" | "version" | "platform">): string {
  // A Debian version has characters that a tag cannot have: they are written as their code.
  const version = file.version.replaceAll(/[^A-Za-z0-9._-]/g, (one) => `_${one.charCodeAt(0).toString(16)}`);
  return `files/${file.name}:${version}-${file.platform.replace("/", "-")}`;
}

/** The last part of a URL, sanitized: the title of the file in the bundle. */
export function fileTitle(url: string): string {
  if (url.startsWith("npm:")) return packageTitle(url);
  if (composePath(url) !== undefined) return "project.tar";
  const title = url.startsWith("oci:")
    ? basename(url).replace(/@[^@]*$|:[^@:]*$/, "")
    : basename(url.slice(0, `${url}?`.search(/[?#]/)).replace(/^file:/, ""));
  return decoded(title)
    .replaceAll(/[^A-Za-z0-9._+~@ -]/g, "_")
    .replace(/^\.*$/, "file");
}

/** As `npm pack` names the tarball of a package: without the @ of a scope, its slash as a hyphen. */
function packageTitle(url: string): string {
  const { name = "", version = "", tarball } = readNpmUrl(url) ?? {};
  const title = tarball === undefined ? `${name.replace("@", "")}-${version}.tgz` : basename(tarball);
  return title.replaceAll(/[^A-Za-z0-9._+~-]/g, "-").replace(/^[.-]*$/, "package.tgz");
}

/** A lock may be untrusted. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
