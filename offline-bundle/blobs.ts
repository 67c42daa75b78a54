/** Every blob of a bundle, read once: its file name is its sha256. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { hashFiles } from "./hash-files.ts";
import { inside } from "./layout.ts";

export interface CheckedBlobs {
  /** Length in bytes of each blob that is what its name says. */
  readonly found: ReadonlyMap<string, number>;
  /** Names of those that are not; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  readonly bytes: number;
  readonly problems: readonly Problem[];
}

/** Hashes all blobs on all cores. @returns E_BUNDLE_INCOMPLETE and E_BUNDLE_DIGEST as problems. */
export async function checkBlobs(
  directory: string,
  progress: (bytes: number, total: number) => void = () => undefined,
): Promise<CheckedBlobs> {
  const folder = join(directory, inside.blobs);
  const todo = "copy the bundle again";
  const names = (await readdir(folder).catch(() => undefined))?.toSorted();
  if (names === undefined) {
    const problem: Problem = {
      where: folder,
      code: "E_BUNDLE_INCOMPLETE",
      subject: inside.blobs,
      got: "no such folder",
      expected: "the folder of all blobs",
      todo,
    };
    return { found: new Map(), broken: new Set(), bytes: 0, problems: [problem] };
  }
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const files = names.map((name, at) => ({ name, path: join(folder, name), bytes: sizes[at] ?? 0 }));
  const sha256s = await hashFiles(files, (bytes) => {
    progress(bytes, total);
  });
  // A stick that cannot be read is told like any other wrong blob, with the system's own words.
  const checked = files.map((file, at) => ({ ...file, sha256: sha256s[at] ?? "" }));
  const broken = checked.filter(({ name, sha256 }) => name !== sha256);
  return {
    found: new Map(
      checked.filter(({ name, sha256 }) => name === sha256).map(({ name, bytes }) => [name, bytes]),
    ),
    broken: new Set(broken.map(({ name }) => name)),
    bytes: total,
    problems: broken.map(({ name, bytes, sha256 }) => ({
      where: folder,
      code: "E_BUNDLE_DIGEST",
      subject: name,
      got: `${bytes} bytes, sha256 ${sha256}`,
      expected: "the sha256 of its name",
      todo,
    })),
  };
}
