/** Bytes that were downloaded, kept by their sha256: `<store>/<sha256>/<title>`. Deleting the folder is always safe. */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SealiftError } from "../modules/core/errors.ts";
import { type Digest, digestOf } from "./digest.ts";
import { download, type Progress } from "./download.ts";
import { fileTitle } from "./want.ts";

/** A file that is here, with what it hashes to. */
export interface Obtained extends Digest {
  readonly path: string;
}

/**
 * Brings the bytes of a url here and hashes them. A `file:` url is read where it is; anything else is looked up in the
 * store by its sha256 and downloaded when it is not there.
 *
 * @param wanted the sha256 it must have; absent when it is seen for the first time.
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had; E_DOWNLOAD_SHA256 when a download, E_PIN when a file hashes to
 * something else than `wanted`. A wrong download is deleted, so that it is never used nor continued.
 */
export async function obtain(
  url: URL,
  store: string,
  wanted: string | undefined,
  progress: Progress,
): Promise<Obtained> {
  if (url.protocol === "file:") return readInPlace(url, wanted);
  const job = `${url.href} ${wanted ?? ""}`;
  const arriving = underway.get(job) ?? fetchInto(url, store, wanted, progress);
  underway.set(job, arriving);
  try {
    return await arriving;
  } finally {
    underway.delete(job);
  }
}

/** One download per url at a time: two entries may name the same file. */
const underway = new Map<string, Promise<Obtained>>();

async function fetchInto(
  url: URL,
  store: string,
  wanted: string | undefined,
  progress: Progress,
): Promise<Obtained> {
  const title = fileTitle(url.href);
  if (wanted !== undefined) {
    const kept = join(store, wanted, title);
    if (await exists(kept)) return accept(url, kept, await digestOf(kept), wanted);
  }
  const arriving = join(
    store,
    "arriving",
    createHash("sha256")
      .update(`${url.href} ${wanted ?? ""}`)
      .digest("hex"),
  );
  await mkdir(join(store, "arriving"), { recursive: true });
  await download(url, arriving, progress);
  const digest = await digestOf(arriving);
  const checked = await accept(url, arriving, digest, wanted);
  const path = join(store, digest.sha256, title);
  await mkdir(join(store, digest.sha256), { recursive: true });
  await rename(arriving, path);
  return { ...checked, path };
}

async function accept(url: URL, path: string, digest: Digest, wanted: string | undefined): Promise<Obtained> {
  if (wanted === undefined || digest.sha256 === wanted) return { ...digest, path };
  await rm(path);
  throw new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD_SHA256",
      subject: "sha256",
      got: `${digest.sha256} (${digest.bytes} bytes)`,
      expected: `${wanted}, as the lock pins it`,
      todo: "do not use it; find out who changed it before you change the pin",
    },
  ]);
}

async function readInPlace(url: URL, wanted: string | undefined): Promise<Obtained> {
  const path = fileURLToPath(url);
  const problem = (code: "E_DOWNLOAD" | "E_PIN", got: string, expected: string, todo: string): SealiftError =>
    new SealiftError([{ where: path, code, subject: "sha256", got, expected, todo }]);
  const digest = await digestOf(path).catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw problem("E_DOWNLOAD", got, "a file that can be read", "check the url in bundle.yaml");
  });
  if (wanted === undefined || digest.sha256 === wanted) return { ...digest, path };
  throw problem(
    "E_PIN",
    `${digest.sha256} (${digest.bytes} bytes)`,
    `${wanted}, as the lock pins it`,
    "put the right file back, or remove its entry from the lock and run: sealift bundle lock",
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
