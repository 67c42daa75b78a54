/** The one folder in which everything lives that is made, fetched or booted. Deleting it is always safe. */
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository's root. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Absolute path of the cache folder: SEALIFT_CACHE, relative to the checkout if not absolute; default `.cache`. */
export const cacheDir = locate(process.env["SEALIFT_CACHE"]);

/** Absolute path of something in the cache; makes nothing. */
export function cachePath(...parts: readonly string[]): string {
  return join(cacheDir, ...parts);
}

function locate(folder: string | undefined): string {
  if (folder === undefined || folder === "") return join(checkout, ".cache");
  return isAbsolute(folder) ? folder : resolve(checkout, folder);
}
