/** The components of a bundle as both SBOM formats name them. */
import type { Lock, LockedFile, LockedImage } from "../spec/lock-file.ts";
import { SealiftError } from "../../modules/core/errors.ts";

/** Who publishes a file. */
export interface Supplier {
  readonly name: string;
  readonly url: string;
}

/** The supplier of a URL, where it is known: Docker's own server, or the owner of a GitHub repository. */
export function supplierOf({ url }: Pick<LockedFile, "url">): Supplier | undefined {
  const { host, pathname } = new URL(url, "file:");
  if (host === "download.docker.com") return { name: "Docker, Inc.", url: "https://www.docker.com" };
  const owner = pathname.split("/")[1];
  if (host === "github.com" && owner !== undefined)
    return { name: owner, url: `https://github.com/${owner}` };
  return undefined;
}

/** Names of the images that an application runs, each once; none of another file. */
export function imagesOfApp({ project }: LockedFile, { images }: Pick<Lock, "images">): readonly string[] {
  const needed = new Set(project?.services.map(({ image }) => image));
  return images.map(({ name }) => name).filter((name) => needed.has(name));
}

/** A package URL (https://github.com/package-url/purl-spec): scanners look up a component by it. */
export function filePurl({ name, version, platform, url, sha256, kind, ...file }: LockedFile): string {
  const qualifiers = new URLSearchParams({
    ...(url.startsWith("https:") ? { download_url: url } : {}),
    platform,
  });
  qualifiers.sort();
  // As scanners look up npm packages: by name and version alone.
  if (kind === "npm")
    return `pkg:npm/${(file.package ?? name).replace("@", "%40")}@${encodeURIComponent(version)}`;
  const github = /^https:\/\/github\.com\/([^/]+)\/([^/]+)\/releases\/download\/([^/]+)\//.exec(url);
  if (github !== null) {
    const [, owner = "", repository = "", tag = ""] = github;
    const path = `${owner}/${repository}`.toLowerCase();
    return `pkg:github/${path}@${encodeURIComponent(tag)}?checksum=sha256:${sha256}&${qualifiers.toString()}`;
  }
  const [type, version_] = [encodeURIComponent(name), encodeURIComponent(version)];
  return `pkg:generic/${type}@${version_}?checksum=sha256:${sha256}&${qualifiers.toString()}`;
}

export function imagePurl({ name, digest }: LockedImage): string {
  const [, repository = name, tag = ""] = /^(.*?)(?::([^:/]*))?$/.exec(name) ?? [];
  const last = repository.split("/").at(-1) ?? repository;
  const qualifiers = new URLSearchParams({ repository_url: repository, ...(tag === "" ? {} : { tag }) });
  return `pkg:oci/${encodeURIComponent(last.toLowerCase())}@${encodeURIComponent(digest)}?${qualifiers.toString()}`;
}

/**
 * SOURCE_DATE_EPOCH as seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch).
 *
 * @returns undefined when it is not set.
 * @throws {SealiftError} E_VALUE when it is not a number.
 */
export function epochOf(text: string | undefined): Date | undefined {
  if (text === undefined || text === "") return undefined;
  const date = new Date(Number(text) * 1000);
  if (/^\d{1,11}$/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new SealiftError([
    {
      where: "this machine",
      code: "E_VALUE",
      subject: "SOURCE_DATE_EPOCH",
      found: text,
      expected: "seconds since 1970, UTC",
      fix: "unset it, or set it to a number such as 1767225600",
    },
  ]);
}

/** `2026-11-21T17:36:08Z` */
export function dateText(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** A UUID of version 8 (RFC 9562, 5.8) derived from a sha256: as unique as the lock, and reproducible. */
export function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
