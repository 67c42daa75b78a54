/**
 * Installs the npm packages of a repository from a bundle: `npm ci` with a registry on 127.0.0.1 that has what the bundle carries. npm
 * compares every package with the sha512 in package-lock.json.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { runProgram } from "../modules/core/process.ts";
import { npmMissing } from "./fetching/npm-package.ts";
import { printable } from "./io/printable.ts";
import { type CarriedPackage, carriedPackages } from "./npm/carried-packages.ts";
import { checkedBlob, startLoopbackRegistry } from "./npm/loopback-registry.ts";
import type { SignedManifests } from "./verify.ts";
import { npmSpec } from "./spec/npm-url.ts";
import { npmPackages, readPackageLock, registryHosts } from "./spec/package-lock.ts";

export interface InstalledPackages {
  /** Packages for this machine. */
  readonly packages: number;
}

/**
 * Installs the packages that package-lock.json lists for this machine; install scripts do not run.
 *
 * @param bundle its signature and manifests are verified; each package is hashed when npm requests it.
 * @param folder the root of the repository, with package.json and package-lock.json.
 * @throws {SealiftError} E_PACKAGE_LOCK; E_NOT_IN_LOCK for packages that the bundle lacks; E_BUNDLE_DIGEST; E_TOOL when npm is missing
 * or fails.
 */
export async function npmCi(bundle: SignedManifests, folder: string): Promise<InstalledPackages> {
  const lockfile = join(folder, "package-lock.json");
  const lock = await readPackageLock(lockfile, folder);
  const required = npmPackages(lock, [arch() === "arm64" ? "linux/arm64" : "linux/amd64"]);
  const carried = carriedPackages(bundle.tree);
  const known = new Map(carried.map((one) => [one.spec, one]));
  const needed = required.map(({ url, integrity }) => {
    const name = npmSpec(url);
    return { name, integrity, here: known.get(name) };
  });
  refuse(
    needed
      .filter(({ here, integrity }) => here?.integrity !== integrity)
      .map(({ name, integrity, here }) => lacking(lockfile, name, integrity ?? "", here)),
  );
  await placeTarballs(
    needed.flatMap(({ here }) => here ?? []),
    folder,
    bundle.blobPath,
  );
  const cache = await mkdtemp(join(tmpdir(), "sealift-npm-"));
  const registry = await startLoopbackRegistry(carried, bundle.blobPath);
  try {
    const { exitCode, stderr } = await runProgram("npm", ["ci"], {
      directory: folder,
      env: npmEnv(registry.url, cache, carried, registryHosts(lock)),
    }).catch((error: unknown) => {
      throw npmMissing(error);
    });
    refuse(registry.problems);
    if (exitCode !== 0) throw new SealiftError([npmFailed(folder, exitCode, stderr)]);
  } finally {
    await registry.close();
    await rm(cache, { recursive: true, force: true });
  }
  return { packages: needed.length };
}

/** A tarball that is not checked in is written to where package.json expects it; an existing one is left for npm to check. */
async function placeTarballs(
  packages: readonly CarriedPackage[],
  folder: string,
  blobPath: (sha256: string) => string,
): Promise<void> {
  for (const one of packages) {
    if (one.tarball === undefined) continue;
    const path = join(folder, one.tarball);
    const bytes = await checkedBlob(one, blobPath(one.sha256));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { flag: "wx" }).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
  }
}

/** The environment takes precedence over every .npmrc (npm 11, config), and other users cannot read it, unlike arguments. */
function npmEnv(
  registry: string,
  cache: string,
  packages: readonly CarriedPackage[],
  hosts: readonly string[],
): NodeJS.ProcessEnv {
  const scopes = new Set(packages.flatMap(({ name }) => /^@[^/]+/.exec(name)?.[0] ?? []));
  const own: Record<string, string> = {
    registry,
    cache,
    noproxy: "127.0.0.1",
    offline: "false",
    prefer_offline: "false",
    ignore_scripts: "true",
    audit: "false",
    fund: "false",
    update_notifier: "false",
    loglevel: "error",
    // Addresses in package-lock.json that lead to its registry lead to this one.
    replace_registry_host: hosts[0] ?? "npmjs",
    ...Object.fromEntries([...scopes].map((scope) => [`${scope}:registry`, registry])),
  };
  const set = Object.entries(own).map(([key, value]) => [`npm_config_${key}`, value] as const);
  return { ...process.env, NO_PROXY: "127.0.0.1", ...Object.fromEntries(set) };
}

function lacking(where: string, name: string, integrity: string, here: CarriedPackage | undefined): Problem {
  return {
    where,
    code: "E_NOT_IN_LOCK",
    subject: name,
    found: here === undefined ? "not in the bundle" : `${here.integrity} in the bundle`,
    expected: integrity,
    fix: "use the package-lock.json of the bundle; or run sealift bundle lock on the connected side, and build a new bundle",
  };
}

function npmFailed(where: string, exitCode: number, stderr: string): Problem {
  return {
    where,
    code: "E_TOOL",
    subject: "npm ci",
    found: `exit code ${exitCode}: ${printable(stderr.slice(-maxShown))}`,
    expected: "exit code 0",
    fix: "resolve what npm reports, and run the command again",
  };
}

/** Characters of npm's messages. */
const maxShown = 1200;
