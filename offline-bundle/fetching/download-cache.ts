/** The download cache: files by their sha256, `<store>/<sha256>/<title>`. Deleting the folder is always safe. */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { type Digest, digestOf, hexDigits } from "../io/digest.ts";
import { download, type Progress } from "../http/download.ts";
import type { RetryPolicy } from "../http/retry-policy.ts";
import { fileTitle } from "../spec/bundle-spec.ts";

/** A local file and its digest. */
export interface CachedFile extends Digest {
  readonly path: string;
}

export interface FetchToCacheOptions {
  /** Pinned length in bytes. */
  readonly bytes?: number;
  /** Upper limit in bytes where no length is pinned. Default {@link limits}.download. */
  readonly most?: number;
  /** Title of the file in the bundle; default: the last part of the URL. */
  readonly title?: string;
  readonly retryPolicy?: RetryPolicy;
}

/**
 * Fetches the bytes of a URL and hashes them. A `file:` URL is read in place; any other URL is looked up in the cache by its
 * sha256 and downloaded when it is absent.
 *
 * @param expected the required sha256; absent when the file has no pin yet.
 * @throws {SealiftError} E_DOWNLOAD when the download fails; E_NO_SPACE when the disk is full; E_DOWNLOAD_SHA256 when a download,
 * E_PIN_MISMATCH when a local file has another sha256 than `expected`: both as {@link OtherBytes}. A wrong download is deleted, so
 * that it is neither used nor resumed.
 */
export async function fetchToCache(
  url: URL,
  store: string,
  expected: string | undefined,
  progress: Progress,
  options: FetchToCacheOptions = {},
): Promise<CachedFile> {
  if (url.protocol === "file:") return readInPlace(url, expected);
  const job = expected ?? url.href;
  const arriving = underway.get(job) ?? fetchInto(url, store, expected, progress, options);
  underway.set(job, arriving);
  try {
    return await arriving;
  } finally {
    underway.delete(job);
  }
}

/** Bytes whose sha256 differs from their pin. */
export class OtherBytes extends SealiftError {
  readonly found: Digest;
  constructor(problem: Problem, found: Digest) {
    super([problem]);
    this.found = found;
  }
}

/** Path of the cached file with this sha256. @throws {SealiftError} E_VALUE as {@link hexDigits}. */
export function downloadPath(store: string, sha256: string, title: string): string {
  return join(store, hexDigits(sha256), title);
}

/**
 * The cached file with this sha256, if there is one.
 *
 * @throws {OtherBytes} E_DOWNLOAD_SHA256 when the cached file has changed; it is deleted.
 */
export async function cachedFile(
  store: string,
  sha256: string,
  title: string,
): Promise<CachedFile | undefined> {
  const path = downloadPath(store, sha256, title);
  return (await exists(path)) ? acceptDownload(path, path, await digestOf(path), sha256) : undefined;
}

/** Moves downloaded bytes to their place in the cache. */
export async function addToCache(
  store: string,
  title: string,
  arrived: string,
  digest: Digest,
): Promise<CachedFile> {
  const path = downloadPath(store, digest.sha256, title);
  await mkdir(dirname(path), { recursive: true });
  await rename(arrived, path);
  return { ...digest, path };
}

/** Path of an unfinished download: the same path for the same file, so that the download can be resumed. */
export async function arrivingPath(store: string, job: string): Promise<string> {
  await mkdir(join(store, "arriving"), { recursive: true });
  return join(store, "arriving", createHash("sha256").update(job).digest("hex"));
}

/** One download of the same bytes at a time: two entries may name the same file. */
const underway = new Map<string, Promise<CachedFile>>();

async function fetchInto(
  url: URL,
  store: string,
  expected: string | undefined,
  progress: Progress,
  { title = fileTitle(url.href), ...pin }: FetchToCacheOptions,
): Promise<CachedFile> {
  if (expected !== undefined) {
    const here = await cachedFile(store, expected, title);
    if (here !== undefined) return here;
  }
  const arriving = await arrivingPath(store, expected ?? url.href);
  const options = { progress, pinned: expected !== undefined, ...pin };
  const { pieced } = await download(url, arriving, options);
  let digest = await digestOf(arriving);
  // A resumed file may consist of parts of two files: only a file from a single response shows what the server has.
  if (pieced && expected !== undefined && digest.sha256 !== expected) {
    await rm(arriving);
    await download(url, arriving, options);
    digest = await digestOf(arriving);
  }
  await acceptDownload(url.href, arriving, digest, expected);
  return addToCache(store, title, arriving, digest);
}

/** @throws {OtherBytes} E_DOWNLOAD_SHA256 when the bytes differ from the pin; they are deleted. */
export async function acceptDownload(
  where: string,
  path: string,
  digest: Digest,
  expected: string | undefined,
): Promise<CachedFile> {
  if (expected === undefined || digest.sha256 === expected) return { ...digest, path };
  await rm(path);
  throw new OtherBytes(
    {
      where,
      code: "E_DOWNLOAD_SHA256",
      subject: "sha256",
      found: `${digest.sha256} (${digest.bytes} bytes)`,
      expected: `${expected}, as pinned in the lock`,
      fix: "do not use this file; find out who changed it before you change the pin",
    },
    digest,
  );
}

async function readInPlace(url: URL, pinned: string | undefined): Promise<CachedFile> {
  const path = fileURLToPath(url);
  const problem = (
    code: "E_DOWNLOAD" | "E_PIN_MISMATCH",
    found: string,
    expected: string,
    fix: string,
  ): Problem => ({
    ...{ where: path, code, subject: "sha256", found, expected, fix },
  });
  const digest = await digestOf(path).catch((error: unknown) => {
    const found = error instanceof Error ? error.message : String(error);
    const expected = "a readable file";
    throw new SealiftError([problem("E_DOWNLOAD", found, expected, "check the url in bundle.yaml")]);
  });
  if (pinned === undefined || digest.sha256 === pinned) return { ...digest, path };
  const [found, expected] = [`${digest.sha256} (${digest.bytes} bytes)`, `${pinned}, as pinned in the lock`];
  const fix = "restore the original file, or run: sealift bundle lock --update <name>";
  throw new OtherBytes(problem("E_PIN_MISMATCH", found, expected, fix), digest);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
