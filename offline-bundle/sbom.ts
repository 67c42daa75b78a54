/** The parts of a bundle as both formats of an SBOM name them. */
import type { LockedFile, LockedImage } from "./lock-file.ts";
import { SealiftError } from "../modules/core/errors.ts";

/** Who hands out a file. */
export interface Supplier {
  readonly name: string;
  readonly url: string;
}

/** Who hands out what lies below a url, where that is known: Docker's own place, or the owner of a GitHub repository. */
export function supplierOf({ url }: Pick<LockedFile, "url">): Supplier | undefined {
  const { host, pathname } = new URL(url, "file:");
  if (host === "download.docker.com") return { name: "Docker, Inc.", url: "https://www.docker.com" };
  const owner = pathname.split("/")[1];
  if (host === "github.com" && owner !== undefined)
    return { name: owner, url: `https://github.com/${owner}` };
  return undefined;
}

/** A package url (https://github.com/package-url/purl-spec): scanners look a part up by it. */
export function filePurl({ name, version, platform, url, sha256 }: LockedFile): string {
  const qualifiers = new URLSearchParams({
    ...(url.startsWith("https:") ? { download_url: url } : {}),
    platform,
  });
  qualifiers.sort();
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
 * Seconds since 1970 out of SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch).
 *
 * @returns undefined when it is not set.
 * @throws {SealiftError} E_VALUE when it is no number.
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
      got: text,
      expected: "seconds since 1970, UTC",
      todo: "unset it, or write it like 1767225600",
    },
  ]);
}

/** `2026-11-21T17:36:08Z` */
export function dateText(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** A UUID of version 8 (RFC 9562, 5.8) out of a sha256: as unique as the lock, and the same whenever it is made. */
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
