/** Where the commands look when they are not told. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

export const bundleFile = join("offline-bundle", "bundle.yaml");
export const lockFile = join("offline-bundle", "bundle.lock.yaml");
/** Downloads are kept here; deleting it is always safe. */
export const store = join(process.env["SEALIFT_CACHE"] ?? join(checkout, ".cache"), "bundle-files");
