/** Reads every blob of a bundle once: its file name is its sha256. */
import { join } from "node:path";
import type { Problem } from "../../modules/core/errors.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { hashFiles } from "../io/hash-files.ts";
import { inside } from "../io/inside.ts";
import { notItsName, type ReadTree, differs } from "./check-layout.ts";
import { type Descriptor, isManifest } from "./manifests.ts";

export interface CheckedBlobs {
  /** Length in bytes of each blob that matches its name. */
  readonly found: ReadonlyMap<string, number>;
  /** Names of the blobs that do not match; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  readonly bytes: number;
  readonly problems: readonly Problem[];
}

/**
 * Hashes all blobs on all cores.
 *
 * @param files the files of the directory; other kinds of files are reported there.
 * @param read manifests that were hashed when they were read; absent: none.
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
  // A read error of a USB drive is reported like any other wrong blob, in the system's words.
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

/** Blobs that the index references and that are missing or truncated, and blobs that nothing references. */
export function unmetProblems(
  directory: string,
  { tree, broken }: ReadTree,
  blobs: CheckedBlobs,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [hex, { descriptor, owner }] of tree.named) {
    const bytes = blobs.found.get(hex);
    const unread = isManifest(descriptor) && !tree.manifests.has(hex) && !broken.has(hex);
    if (bytes === undefined || unread) {
      if (!blobs.broken.has(hex)) problems.push(absent(directory, descriptor, owner));
    } else if (bytes !== descriptor.size) problems.push(differs(directory, descriptor, `${bytes} bytes`));
  }
  // Nothing below a broken or missing manifest is reachable; those blobs are not reported as unreferenced.
  const intact = problems.length === 0 && blobs.broken.size === 0 && broken.size === 0;
  const unreferenced = intact ? [...blobs.found.keys()].filter((hex) => !tree.named.has(hex)) : [];
  return [...problems, ...unreferenced.map((hex) => unreferencedProblem(directory, hex))];
}

function absent(directory: string, { digest, size }: Descriptor, owner: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_INCOMPLETE",
    subject: owner,
    found: "no blob",
    expected: `${digest} (${size} bytes)`,
    fix: "copy the bundle again",
  };
}

function unreferencedProblem(directory: string, hex: string): Problem {
  return {
    where: join(directory, inside.blobs),
    code: "E_BUNDLE_DIGEST",
    subject: hex,
    found: "a blob that the signed bundle does not reference",
    expected: "only blobs that are covered by the signature",
    fix: "remove it, or copy the bundle again",
  };
}
