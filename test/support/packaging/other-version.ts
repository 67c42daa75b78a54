/** A package of another version: this commit's, with its files changed in the unpacked copy. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Path in the package, and what is replaced by what. */
export type Edit = readonly [path: string, from: string | RegExp, to: string];

/**
 * @param tarball of this commit.
 * @param folder of the new one; it is made.
 * @returns the new tarball, sealift-<version>.tgz.
 * @throws {Error} when a file does not contain what an edit replaces.
 */
export function otherVersion(
  tarball: string,
  folder: string,
  version: string,
  edits: readonly Edit[] = [],
): string {
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", folder]);
  const all: readonly Edit[] = [["package.json", /(?<="version": ")[^"]+/, version], ...edits];
  for (const [path, from, to] of all) {
    const file = join(folder, "package", path);
    const text = readFileSync(file, "utf8");
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${path} does not contain ${String(from)}`);
    writeFileSync(file, changed);
  }
  const made = join(folder, `sealift-${version}.tgz`);
  execFileSync("tar", ["-czf", made, "-C", folder, "package"]);
  rmSync(join(folder, "package"), { recursive: true });
  return made;
}
