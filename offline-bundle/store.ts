/** Bytes that were downloaded, kept by their sha256: `<store>/<sha256>/<title>`. Deleting the folder is always safe. */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { type Digest, digestOf, hexDigits } from "./digest.ts";
import { download, type Progress } from "./download.ts";
import type { Patience } from "./patience.ts";
import { fileTitle } from "./want.ts";

/** A file that is here, with what it hashes to. */
export interface Obtained extends Digest {
  readonly path: string;
}

export interface ObtainOptions {
  /** Length that is pinned, in bytes. */
  readonly bytes?: number;
  /** More bytes than this are refused where no length is pinned. Default {@link limits}.download. */
  readonly most?: number;
  /** Name under which the bytes travel; default: the last part of the url. */
  readonly title?: string;
  readonly patience?: Patience;
}

/**
 * Brings the bytes of a url here and hashes them. A `file:` url is read where it is; anything else is looked up in the
 * store by its sha256 and downloaded when it is not there.
 *
 * @param wanted the sha256 it must have; absent when it is seen for the first time.
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had; E_SPACE when the disk is full; E_DOWNLOAD_SHA256 when a download,
 * E_PIN when a file hashes to something else than `wanted`: both as {@link OtherBytes}. A wrong download is deleted, so that
 * it is never used nor continued.
 */
export async function obtain(
  url: URL,
  store: string,
  wanted: string | undefined,
  progress: Progress,
  options: ObtainOptions = {},
): Promise<Obtained> {
  if (url.protocol === "file:") return readInPlace(url, wanted);
  const job = wanted ?? url.href;
  const arriving = underway.get(job) ?? fetchInto(url, store, wanted, progress, options);
  underway.set(job, arriving);
  try {
    return await arriving;
  } finally {
    underway.delete(job);
  }
}

/** Bytes that hash to something else than their pin. */
export class OtherBytes extends SealiftError {
  readonly found: Digest;
  constructor(problem: Problem, found: Digest) {
    super([problem]);
    this.found = found;
  }
}

/** Where bytes with this sha256 lie once they are in the store. @throws {SealiftError} E_VALUE as {@link hexDigits}. */
export function storedPath(store: string, sha256: string, title: string): string {
  return join(store, hexDigits(sha256), title);
}

/**
 * The bytes with this sha256, if they are in the store.
 *
 * @throws {OtherBytes} E_DOWNLOAD_SHA256 when what is kept there has changed; it is deleted.
 */
export async function kept(store: string, sha256: string, title: string): Promise<Obtained | undefined> {
  const path = storedPath(store, sha256, title);
  return (await exists(path)) ? accept(path, path, await digestOf(path), sha256) : undefined;
}

/** Gives bytes that have arrived their place in the store. */
export async function keep(store: string, title: string, arrived: string, digest: Digest): Promise<Obtained> {
  const path = storedPath(store, digest.sha256, title);
  await mkdir(dirname(path), { recursive: true });
  await rename(arrived, path);
  return { ...digest, path };
}

/** Where something is written while it arrives: the same place for the same thing, so that it can be continued. */
export async function arrivingPath(store: string, job: string): Promise<string> {
  await mkdir(join(store, "arriving"), { recursive: true });
  return join(store, "arriving", createHash("sha256").update(job).digest("hex"));
}

/** One download of the same bytes at a time: two entries may name the same file. */
const underway = new Map<string, Promise<Obtained>>();

async function fetchInto(
  url: URL,
  store: string,
  wanted: string | undefined,
  progress: Progress,
  { title = fileTitle(url.href), ...pin }: ObtainOptions,
): Promise<Obtained> {
  if (wanted !== undefined) {
    const here = await kept(store, wanted, title);
    if (here !== undefined) return here;
  }
  const arriving = await arrivingPath(store, wanted ?? url.href);
  const options = { progress, pinned: wanted !== undefined, ...pin };
  const { pieced } = await download(url, arriving, options);
  let digest = await digestOf(arriving);
  // Pieces of two files, perhaps: only one that came whole says what the server holds.
  if (pieced && wanted !== undefined && digest.sha256 !== wanted) {
    await rm(arriving);
    await download(url, arriving, options);
    digest = await digestOf(arriving);
  }
  await accept(url.href, arriving, digest, wanted);
  return keep(store, title, arriving, digest);
}

/** @throws {OtherBytes} E_DOWNLOAD_SHA256 when they are not the wanted ones; they are deleted. */
export async function accept(
  where: string,
  path: string,
  digest: Digest,
  wanted: string | undefined,
): Promise<Obtained> {
  if (wanted === undefined || digest.sha256 === wanted) return { ...digest, path };
  await rm(path);
  throw new OtherBytes(
    {
      where,
      code: "E_DOWNLOAD_SHA256",
      subject: "sha256",
      got: `${digest.sha256} (${digest.bytes} bytes)`,
      expected: `${wanted}, as the lock pins it`,
      todo: "do not use it; find out who changed it before you change the pin",
    },
    digest,
  );
}

async function readInPlace(url: URL, wanted: string | undefined): Promise<Obtained> {
  const path = fileURLToPath(url);
  const problem = (code: "E_DOWNLOAD" | "E_PIN", got: string, expected: string, todo: string): Problem => ({
    ...{ where: path, code, subject: "sha256", got, expected, todo },
  });
  const digest = await digestOf(path).catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    const expected = "a file that can be read";
    throw new SealiftError([problem("E_DOWNLOAD", got, expected, "check the url in bundle.yaml")]);
  });
  if (wanted === undefined || digest.sha256 === wanted) return { ...digest, path };
  const [got, expected] = [`${digest.sha256} (${digest.bytes} bytes)`, `${wanted}, as the lock pins it`];
  const todo = "put the right file back, or run: sealift bundle lock --update <name>";
  throw new OtherBytes(problem("E_PIN", got, expected, todo), digest);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
