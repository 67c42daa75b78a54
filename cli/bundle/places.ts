/** Default paths of the commands, relative to the repository of the team. */
import { join, resolve } from "node:path";

export const bundleFile = join("offline-bundle", "bundle.yaml");
export const lockFile = join("offline-bundle", "bundle.lock.yaml");
/** Cache of downloads. It can be deleted at any time. */
export const store = resolve(process.env["SEALIFT_CACHE"] ?? ".cache", "bundle-files");
