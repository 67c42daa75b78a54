/** The packages of a package-lock.json, packed again from node_modules of the checkout: a test asks no public registry for them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../lab/cache.ts";
import { published, type PublishedPackage } from "../servers/npm-registry.ts";

interface PackageLock {
  readonly packages: Record<string, { version?: string; integrity?: string; resolved?: string }>;
}

/**
 * Writes into package-lock.json the sha512 of what it returns, and leaves out development dependencies.
 *
 * @param folder of package.json and package-lock.json.
 */
export function repackPackages(folder: string): readonly PublishedPackage[] {
  const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as PackageLock;
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  delete manifest["devDependencies"];
  delete (lock.packages[""] as Record<string, unknown>)["devDependencies"];
  delete lock.packages["node_modules/typescript"];
  // At several paths npm installs the same package.
  const all = new Map<string, PublishedPackage>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "" || entry.resolved !== undefined) continue;
    const source = join(checkout, path);
    if (!existsSync(source)) throw new Error(`${source} is missing: run npm ci`);
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const { version = "" } = entry;
    const one = all.get(`${name}@${version}`) ?? published(name, version, pack(source));
    entry.integrity = one.integrity;
    all.set(`${name}@${version}`, one);
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  return [...all.values()];
}

/** A folder as `npm pack` writes it; what lies below its node_modules are other packages. */
function pack(folder: string): Buffer {
  return execFileSync(
    "tar",
    [
      ...["--use-compress-program", "gzip -1", "--exclude=./node_modules", "--transform=s,^\\.,package,"],
      ...["-cf", "-", "-C", folder, "."],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
}
