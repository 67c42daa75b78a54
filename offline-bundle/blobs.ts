/** Every blob of a bundle, read once: its file name is its sha256. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { hashFiles } from "./hash-files.ts";
import { inside } from "./inside.ts";
import { notItsName, type ReadTree } from "./tree.ts";

export interface CheckedBlobs {
  /** Length in bytes of each blob that is what its name says. */
  readonly found: ReadonlyMap<string, number>;
  /** Names of those that are not; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  readonly bytes: number;
  readonly problems: readonly Problem[];
}

/**
 * Hashes all blobs on all cores.
 *
 * @param files what lies in the directory; what of it is no file is told there.
 * @param read manifests that were hashed already, when they were read; absent: none.
 * @returns E_BUNDLE_DIGEST as problems.
 */
export async function checkBlobs(
  directory: string,
  files: BundleFiles,
  progress: (bytes: number, total: number) => void = () => undefined,
  read?: ReadTree,
): Promise<CheckedBlobs> {
  const total = [...files.blobs.values()].reduce((sum, size) => sum + size, 0);
  const hashed = new Map([...(read?.tree.manifests ?? [])].map(([hex, { text }]) => [hex, text.length]));
  const known = [...hashed.values()].reduce((sum, size) => sum + size, 0);
  const toHash = [...files.blobs]
    .filter(([name]) => !hashed.has(name) && read?.broken.has(name) !== true)
    .map(([name, bytes]) => ({ name, path: join(directory, inside.blobs, name), bytes }));
  const sha256s = await hashFiles(toHash, (bytes) => {
    progress(known + bytes, total);
  });
  // A stick that cannot be read is told like any other wrong blob, with the system's own words.
  const checked = toHash.map((file, at) => ({ ...file, sha256: sha256s[at] ?? "" }));
  const broken = checked.filter(({ name, sha256 }) => name !== sha256);
  return {
    found: new Map([
      ...hashed,
      ...checked
        .filter(({ name, sha256 }) => name === sha256)
        .map(({ name, bytes }): [string, number] => [name, bytes]),
    ]),
    broken: new Set([...broken.map(({ name }) => name), ...files.unusable, ...(read?.broken ?? [])]),
    bytes: total,
    problems: broken.map(({ name, bytes, sha256 }) =>
      notItsName(
        directory,
        name,
        /^[0-9a-f]{64}$/.test(sha256) ? `${bytes} bytes, sha256 ${sha256}` : sha256,
      ),
    ),
  };
}
