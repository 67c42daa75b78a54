/** What a publisher says beside its files: checksums, signatures, lists of packages. Asked for each time, and never of a mirror. */
import { rm } from "node:fs/promises";
import { SealiftError } from "../modules/core/errors.ts";
import { download } from "./download.ts";
import { downloadFailed } from "./download-problem.ts";
import { localPath, locateUrl } from "./local-source.ts";
import type { Sources } from "./obtain-file.ts";
import { readRegular } from "./regular-file.ts";
import { arrivingPath } from "./store.ts";

/**
 * Not from a mirror: one that lies about the bytes would lie about this too. Not kept: the next lock asks again.
 *
 * @param most bytes. @throws {SealiftError} E_DOWNLOAD; E_VALUE when a file: url leads out of the folder of bundle.yaml.
 */
export async function publishedText(url: string, sources: Sources, most: number): Promise<Buffer> {
  const key = `${most} ${url}`;
  const asking = underway.get(key) ?? ask(url, sources, most);
  underway.set(key, asking);
  try {
    return await asking;
  } finally {
    underway.delete(key);
  }
}

/** One text is about several files. */
const underway = new Map<string, Promise<Buffer>>();

async function ask(url: string, { bundleFile, store, patience }: Sources, most: number): Promise<Buffer> {
  const place = locateUrl(url, bundleFile);
  if (place.protocol === "file:") {
    try {
      return await readRegular(await localPath(url, bundleFile), most, "refuse");
    } catch (error) {
      throw error instanceof SealiftError ? error : downloadFailed(place, error);
    }
  }
  const path = await arrivingPath(store, place.href);
  const usual = patience === undefined ? {} : { patience };
  await download(place, path, { progress: () => undefined, pinned: false, most, ...usual });
  const text = await readRegular(path, most, "refuse");
  await rm(path, { force: true });
  return text;
}
