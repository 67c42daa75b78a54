/** The package of this commit, installed into a folder as npm does it, but without a registry. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cachePath, checkout } from "../../lab/cache.ts";
import { runProcess, type ProcessResult } from "../process/run-process.ts";

export interface PackageFolder {
  /** Empty but for `package/`, which has what `npm run package` writes. */
  readonly folder: string;
  readonly tarball: string;
  /** What npm records of the tarball. */
  readonly integrity: string;
  /** Installs Sealift below node_modules of a folder. */
  readonly install: (where: string) => void;
  readonly remove: () => void;
}

/** Packs this commit into a new folder of the cache. */
export function makePackageFolder(): PackageFolder {
  mkdirSync(cachePath("test"), { recursive: true });
  const folder = mkdtempSync(cachePath("test", "own-"));
  const tarball = makePackage(join(folder, "package"));
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  return {
    folder,
    tarball,
    integrity,
    install: (where) => {
      installPackage(tarball, where, integrity);
    },
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

/** The command of a folder that Sealift is installed in, run in that folder. */
export function installedSealift(where: string, ...args: readonly string[]): Promise<ProcessResult> {
  return runProcess(join(where, "node_modules", ".bin", "sealift"), args, { cwd: where });
}

/** Writes `npm run package` into a folder. @returns the tarball. */
export function makePackage(folder: string): string {
  execFileSync(process.execPath, [join(checkout, "packaging", "package.ts"), folder], { cwd: checkout });
  const [tarball = ""] = readdirSync(folder).filter((name) => /^sealift-\d.*\.tgz$/.test(name));
  return join(folder, tarball);
}

/**
 * Unpacks Sealift below node_modules of a folder, and links what it depends on from node_modules of the checkout, which holds the same
 * versions. @param integrity what npm would record of the tarball.
 */
function installPackage(tarball: string, folder: string, integrity: string): void {
  const modules = join(folder, "node_modules");
  const own = join(modules, "sealift");
  mkdirSync(own, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", own]);
  for (const name of readdirSync(join(checkout, "node_modules")))
    if (!name.startsWith(".") && !name.startsWith("node-linux-"))
      symlinkSync(join(checkout, "node_modules", name), join(modules, name));
  mkdirSync(join(modules, ".bin"));
  symlinkSync("../sealift/cli/sealift.js", join(modules, ".bin", "sealift"));
  symlinkSync("../typescript/bin/tsc", join(modules, ".bin", "tsc"));
  const resolved = `file:${tarball}`;
  const packages = { "node_modules/sealift": { version: "0.1.0", resolved, integrity } };
  writeFileSync(join(modules, ".package-lock.json"), JSON.stringify({ packages }));
}
