/**
 * The npm packages that a bundle carries: those of package-lock.json (npm 11, package-lock-json(5)) that npm installs on a platform of the
 * bundle. Each is pinned by the sha512 that the file records.
 */
import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { printable } from "../io/printable.ts";
import { readRegular } from "../io/regular-file.ts";
import type { FilePlatform, FileSourceSpec, Platform } from "./bundle-spec.ts";

/** A package-lock.json that was read; nothing of its entries is checked yet. */
export interface UncheckedPackageLock {
  /** Its path, for messages. */
  readonly lockfile: string;
  readonly packages: Readonly<Record<string, Entry>>;
}

/**
 * @returns one entry per package, version and platform, sorted by name.
 * @throws {SealiftError} E_PACKAGE_LOCK: the file lists packages that a bundle cannot carry, each with its name.
 */
export function npmPackages(
  { lockfile, packages }: UncheckedPackageLock,
  platforms: readonly Platform[],
): readonly FileSourceSpec[] {
  const problems: Problem[] = [];
  const found = new Map<string, FileSourceSpec>();
  for (const [path, entry] of Object.entries(packages)) {
    if (path === "" || isBundled(entry)) continue;
    const read = readPackage(path, entry, platforms);
    if ("found" in read) problems.push({ where: lockfile, code: "E_PACKAGE_LOCK", ...read });
    else
      for (const one of read.files) {
        const key = `${one.url} ${one.platform}`;
        const same = found.get(key);
        if (same === undefined) found.set(key, one);
        else if (same.integrity !== one.integrity)
          problems.push({
            where: lockfile,
            code: "E_PACKAGE_LOCK",
            subject: printable(path),
            found: `${one.integrity ?? ""}, and ${same.integrity ?? ""} elsewhere in this file`,
            expected: "one sha512 per package and version",
            fix: "delete package-lock.json and node_modules, and run npm install",
          });
      }
  }
  refuse(problems.slice(0, maxReported));
  return [...found.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/**
 * The hosts of the registries that package-lock.json names; none when npm omits the addresses (omit-lockfile-registry-resolved).
 *
 * @throws {SealiftError} E_PACKAGE_LOCK
 */
export function registryHosts({ lockfile, packages }: UncheckedPackageLock): readonly string[] {
  const resolved = Object.values(packages).map((entry) => entry["resolved"]);
  const urls = resolved.filter((one): one is string => typeof one === "string" && /^https?:/.test(one));
  const hosts = [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).hostname))];
  if (hosts.length < 2) return hosts;
  throw new SealiftError([
    {
      where: lockfile,
      code: "E_PACKAGE_LOCK",
      subject: "resolved",
      found: printable(hosts.join(", ")),
      expected: "addresses of one registry, or none",
      fix: "set omit-lockfile-registry-resolved=true in .npmrc, and run npm install",
    },
  ]);
}

function sortKey({ name, version, platform }: FileSourceSpec): string {
  return `${name} ${version} ${platform}`;
}

const maxReported = 100;

/** One entry of `packages`, as written: nothing of it is checked yet. */
type Entry = Readonly<Record<string, unknown>>;

/**
 * @param lockfile path of package-lock.json.
 * @param root the folder that it is in or below: a link must not lead out of it.
 * @throws {SealiftError} E_PACKAGE_LOCK: the file cannot be used.
 */
export async function readPackageLock(lockfile: string, root: string): Promise<UncheckedPackageLock> {
  const refusal = (subject: string, found: string, expected: string, fix: string): SealiftError =>
    new SealiftError([{ where: lockfile, code: "E_PACKAGE_LOCK", subject, found, expected, fix }]);
  const bytes = await (async () => {
    const [folder, real] = [await realpath(root), await realpath(lockfile)];
    if (!real.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`))
      throw new Error("a link that leads out of the repository");
    return readRegular(real, limits.packageLock, "follow");
  })().catch((error: unknown) => {
    const found = error instanceof Error ? error.message : String(error);
    throw refusal(
      "file",
      found,
      "package-lock.json",
      "correct npm.lockfile in bundle.yaml, or run npm install",
    );
  });
  const value = jsonOf(bytes);
  const version = isRecord(value) ? value["lockfileVersion"] : undefined;
  if (!isRecord(value) || (version !== 2 && version !== 3))
    throw refusal(
      "lockfileVersion",
      printable(isRecord(value) ? JSON.stringify(version ?? "none") : "a text that is not a JSON object"),
      "2 or 3: earlier ones do not list where each package is installed",
      "run npm install with npm 7 or later",
    );
  const { packages } = value;
  if (!isRecord(packages) || !Object.values(packages).every(isRecord))
    throw refusal("packages", "not an object of packages", "the packages", "run npm install again");
  return { lockfile, packages: packages as Readonly<Record<string, Entry>> };
}

/** Inside the tarball of another package. */
function isBundled({ inBundle }: Entry): boolean {
  return inBundle === true;
}

type Refused = Pick<Problem, "subject" | "found" | "expected" | "fix">;

function readPackage(
  path: string,
  entry: Entry,
  platforms: readonly Platform[],
): { readonly files: readonly FileSourceSpec[] } | Refused {
  const refused = (found: string, expected: string, fix: string): Refused => ({
    subject: printable(path),
    found: printable(found),
    expected,
    fix,
  });
  const at = path.lastIndexOf("node_modules/");
  const name = entry["name"] ?? (at < 0 ? undefined : path.slice(at + "node_modules/".length));
  const { resolved, version } = entry;
  if (entry["link"] === true || at < 0)
    return refused(
      "a folder or a workspace",
      "a package in a tarball",
      "pack it with npm pack, and install the tarball: npm install ./vendor/<name>.tgz",
    );
  if (typeof name !== "string" || name.length > 214 || !packageName.test(name))
    return refused(JSON.stringify(name), "the name of an npm package", "run npm install again");
  if (typeof version !== "string" || version.length > 60 || !packageVersion.test(version))
    return refused(JSON.stringify(version ?? "none"), "a version", "run npm install again");
  if (resolved !== undefined && typeof resolved !== "string")
    return refused("resolved is not a text", "a URL", "run npm install again");
  if (resolved !== undefined && !/^(https?|file):/.test(resolved))
    return refused(
      resolved,
      "a package of a registry, or a tarball: npm records no hash of a git dependency",
      "pack it with npm pack, and install the tarball: npm install ./vendor/<name>.tgz",
    );
  const tarball = resolved?.startsWith("file:") === true ? resolved.slice("file:".length) : undefined;
  if (tarball !== undefined && !isInside(tarball))
    return refused(
      resolved ?? "",
      "a tarball below the folder of package-lock.json; letters, digits and . _ - + @ in its path",
      "move the tarball into the repository, and install it from there",
    );
  const { integrity } = entry;
  const hashes = typeof integrity === "string" ? integrity.split(/\s+/) : [];
  const sha512 = hashes.filter((one) => one.startsWith("sha512-"));
  const [hash] = sha512;
  if (hash === undefined || sha512.length > 1 || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(hash))
    return refused(
      typeof integrity === "string" ? integrity : "no integrity",
      "integrity: one sha512",
      "delete the entry from package-lock.json, and run npm install with a registry that publishes sha512",
    );
  const fits = platformsOf(entry, platforms);
  if (fits.length === 0 && entry["optional"] !== true)
    return refused(
      `for ${["os", "cpu", "libc"].flatMap((key) => listOf(entry[key]).map((one) => `${key} ${one}`)).join(", ")}`,
      `a package for ${platforms.join(", ")}`,
      "remove the dependency, or make it optional",
    );
  const source = tarball === undefined ? version : `file:${tarball}`;
  return {
    files: fits.map((platform) => ({
      name: artifactName(name),
      ...{ version, platform, kind: "npm" as const, url: `npm:${name}@${source}` },
      licence: licenceOf(entry["license"]),
      package: name,
      integrity: hash,
      checksums: [],
    })),
  };
}

/** As npm has ever accepted them, but without a dot, hyphen or tilde at the start: none becomes a path or an option. */
const packageName = /^(@[A-Za-z0-9][A-Za-z0-9._~-]*\/)?[A-Za-z0-9_][A-Za-z0-9._~-]*$/;
const packageVersion = /^[0-9][A-Za-z0-9.+-]*$/;

function isInside(path: string): boolean {
  const names = path.replace(/^\.\//, "").split("/");
  return !path.startsWith("./.") && names.every((name) => /^[A-Za-z0-9_@][A-Za-z0-9._@+~-]*$/.test(name));
}

/** The grammar of SPDX, as far as verify checks it. */
function licenceOf(licence: unknown): string {
  const known = typeof licence === "string" && licence.length <= 400 && licence.length >= 2;
  return known && /^\(*[A-Za-z0-9.+-]+\)*( (AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*$/.test(licence)
    ? licence
    : "NOASSERTION";
}

/**
 * The platforms of the bundle on which npm installs the package: `os`, `cpu` and `libc` list what it is for, or with a `!` what it is not
 * for. Hosts have the GNU C library.
 */
function platformsOf(entry: Entry, platforms: readonly Platform[]): readonly FilePlatform[] {
  const { os, cpu, libc } = entry;
  if (!matches(os, "linux") || !matches(libc, "glibc")) return [];
  if (matches(cpu, "x64") && matches(cpu, "arm64")) return ["any"];
  return platforms.filter((platform) => matches(cpu, platform === "linux/amd64" ? "x64" : "arm64"));
}

function matches(list: unknown, value: string): boolean {
  const all = listOf(list);
  const required = all.filter((one) => !one.startsWith("!"));
  return (
    !all.includes(`!${value}`) &&
    (required.length === 0 || required.includes(value) || required.includes("any"))
  );
}

function listOf(value: unknown): readonly string[] {
  return [value].flat().filter((one): one is string => typeof one === "string");
}

/**
 * The name of a package as an artifact of the bundle: a repository of a registry has only lower-case letters, digits and dashes. The hash
 * tells apart the packages whose names differ in other characters.
 */
function artifactName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  if (plain === name && plain.length <= maxPlain) return `npm-${plain}`;
  const start = plain.slice(0, maxPlain).replace(/-$/, "");
  return `npm-${start}-${digestOfBytes(name).sha256.slice(0, 8)}`;
}

const maxPlain = 40;
