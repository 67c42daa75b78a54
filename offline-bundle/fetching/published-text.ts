/**
 * Texts that a publisher serves beside its files: checksums, signatures, package lists. They are requested every time, and never
 * from a mirror.
 */
import { rm } from "node:fs/promises";
import { SealiftError } from "../../modules/core/errors.ts";
import { download } from "../http/download.ts";
import { downloadFailed } from "../http/download-problem.ts";
import { localPath, locateUrl } from "../spec/local-source.ts";
import type { Sources } from "./fetch-file.ts";
import { readRegular } from "../io/regular-file.ts";
import { arrivingPath } from "./download-cache.ts";

/**
 * Not from a mirror: a mirror that serves wrong bytes would also serve a matching checksum. Not cached: the next lock asks again.
 *
 * @param most bytes.
 * @throws {SealiftError} E_DOWNLOAD; E_VALUE when a file: URL leads out of the folder of bundle.yaml.
 */
export async function publishedText(url: string, sources: Sources, most: number): Promise<Buffer> {
  const key = `${most} ${url}`;
  const pending = underway.get(key) ?? fetchText(url, sources, most);
  underway.set(key, pending);
  try {
    return await pending;
  } finally {
    underway.delete(key);
  }
}

/** One text may cover several files. */
const underway = new Map<string, Promise<Buffer>>();

async function fetchText(
  url: string,
  { bundleFile, store, retryPolicy }: Sources,
  most: number,
): Promise<Buffer> {
  const place = locateUrl(url, bundleFile);
  if (place.protocol === "file:") {
    try {
      return await readRegular(await localPath(url, bundleFile), most, "refuse");
    } catch (error) {
      throw error instanceof SealiftError ? error : downloadFailed(place, error);
    }
  }
  const path = await arrivingPath(store, place.href);
  const usual = retryPolicy === undefined ? {} : { retryPolicy };
  await download(place, path, { progress: () => undefined, pinned: false, most, ...usual });
  const text = await readRegular(path, most, "refuse");
  await rm(path, { force: true });
  return text;
}
