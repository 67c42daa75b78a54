/** npm packages in the download cache: `<store>/npm/<sha512>/<title>`. npm downloads them, with its own registries, logins and proxies. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { runProgram } from "../../modules/core/process.ts";
import { inParallel } from "../io/parallel.ts";
import { printable } from "../io/printable.ts";
import { localPath } from "../spec/local-source.ts";
import { npmSpec, readNpmUrl } from "../spec/npm-url.ts";
import { fileTitle, type FileSpec, type NpmSource } from "../spec/bundle-spec.ts";

/** The package whose bytes are needed. */
export type NpmPackage = Pick<FileSpec, "url" | "kind" | "integrity">;

/**
 * Path of the tarball; it may not exist yet.
 *
 * @throws {SealiftError} E_VALUE when a tarball leads out of the folder of package-lock.json, or bundle.yaml has no key npm.
 */
export async function packagePath(
  file: NpmPackage,
  { store, npm }: { readonly store: string; readonly npm?: NpmSource },
): Promise<string> {
  const { tarball } = readNpmUrl(file.url) ?? {};
  if (tarball === undefined)
    return join(store, "npm", hexOfIntegrity(file.integrity ?? ""), fileTitle(file.url));
  return localPath(`file:${tarball}`, sourceOf(file, npm).lockfile);
}

/**
 * Downloads the packages that are not in the cache. Everything that arrives is kept, whatever else fails.
 *
 * @param report called with the name of one package of each download.
 * @returns E_DOWNLOAD when npm cannot download a package, E_DOWNLOAD_SHA256 when one has another sha512 than package-lock.json, E_TOOL
 * without npm.
 */
export async function fetchPackages(
  files: readonly NpmPackage[],
  sources: { readonly store: string; readonly npm?: NpmSource },
  report: (name: string) => void = () => undefined,
): Promise<readonly Problem[]> {
  const absent: NpmPackage[] = [];
  for (const file of files)
    if (readNpmUrl(file.url)?.version !== undefined) {
      const known = absent.some((one) => one.url === file.url);
      if (!known && !(await exists(await packagePath(file, sources)))) absent.push(file);
    }
  const { problems } = await inParallel(batches(absent), concurrency, async (batch) => {
    report(batch[0] === undefined ? "" : named(batch[0]));
    await download(batch, sources);
  });
  return problems;
}

/** Processes of npm at a time; each downloads one package after the other. */
const concurrency = 4;
/** A process takes a second to start, and a package a tenth of that. */
const batchSize = { least: 8, most: 32 };

/** Packages whose tarballs would have the same name are in different batches: each has a folder of its own. */
function batches(files: readonly NpmPackage[]): readonly (readonly NpmPackage[])[] {
  const all: NpmPackage[][] = [];
  const size = Math.min(batchSize.most, Math.max(batchSize.least, Math.ceil(files.length / concurrency)));
  for (const file of files) {
    const fits = all.find(
      (batch) => batch.length < size && batch.every((other) => fileTitle(other.url) !== fileTitle(file.url)),
    );
    if (fits === undefined) all.push([file]);
    else fits.push(file);
  }
  return all;
}

async function download(
  files: readonly NpmPackage[],
  sources: { readonly store: string; readonly npm?: NpmSource },
): Promise<void> {
  const [first] = files;
  if (first === undefined) return;
  const { lockfile, registry } = sourceOf(first, sources.npm);
  await mkdir(join(sources.store, "npm"), { recursive: true });
  const folder = await mkdtemp(join(sources.store, "npm", "arriving-"));
  try {
    const options = [
      ...["--ignore-scripts", "--loglevel=error", `--pack-destination=${folder}`],
      ...(registry === undefined ? [] : [`--registry=${registry}`]),
    ];
    const specs = files.map(named);
    const { exitCode, stderr } = await runProgram("npm", ["pack", ...options, "--", ...specs], {
      directory: dirname(lockfile),
    }).catch((error: unknown) => {
      throw npmMissing(error);
    });
    const arrived = await readdir(folder);
    const problems: Problem[] = [];
    for (const file of files.filter(({ url }) => arrived.includes(fileTitle(url))))
      problems.push(...(await accept(file, join(folder, fileTitle(file.url)), sources)));
    const lacking = files.filter(({ url }) => !arrived.includes(fileTitle(url)));
    // npm stops at the first package that it does not find, and names it.
    const reported = lacking.filter((file) => stderr.includes(named(file)));
    const failed = (reported.length > 0 ? reported : lacking).map((file) =>
      notDownloaded(file, exitCode, stderr),
    );
    refuse([...problems, ...failed]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function accept(
  file: NpmPackage,
  arrived: string,
  sources: { readonly store: string; readonly npm?: NpmSource },
): Promise<readonly Problem[]> {
  const integrity = await integrityOf(arrived);
  if (integrity !== file.integrity)
    return [
      {
        where: file.url,
        code: "E_DOWNLOAD_SHA256",
        subject: named(file),
        found: integrity,
        expected: `${file.integrity ?? ""}, as in package-lock.json`,
        fix: "do not use this package; find out who changed it: the registry, or package-lock.json",
      },
    ];
  const path = await packagePath(file, sources);
  await mkdir(dirname(path), { recursive: true });
  await rename(arrived, path);
  return [];
}

/** The sha512 of a file as package-lock.json records it. @throws the error of the file system, such as ENOENT. */
export async function integrityOf(path: string): Promise<string> {
  const hash = createHash("sha512");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return `sha512-${hash.digest("base64")}`;
}

/** The program npm is not on the PATH. */
export function npmMissing(error: unknown): SealiftError {
  if (!(error instanceof Error && "code" in error)) throw error;
  const [expected, fix] = [
    "npm on the PATH",
    "install Node.js with npm; the archive of Node.js contains both",
  ];
  return new SealiftError([
    { where: "this machine", code: "E_TOOL", subject: "npm", found: error.message, expected, fix },
  ]);
}

function notDownloaded(file: NpmPackage, exitCode: number, stderr: string): Problem {
  return {
    where: file.url,
    code: "E_DOWNLOAD",
    subject: named(file),
    found: `npm ended with exit code ${exitCode}: ${printable(stderr.slice(-maxShown))}`,
    expected: "the package, from the registry that npm is configured with",
    fix: "check npm config get registry, or set npm.registry in bundle.yaml; then run the command again",
  };
}

/** Characters of npm's messages. */
const maxShown = 600;

function sourceOf(file: NpmPackage, npm: NpmSource | undefined): NpmSource {
  if (npm !== undefined) return npm;
  throw new SealiftError([
    {
      where: file.url,
      code: "E_VALUE",
      subject: named(file),
      found: "no key npm in bundle.yaml",
      expected: "npm.lockfile",
      fix: "run: sealift bundle lock",
    },
  ]);
}

function named({ url }: NpmPackage): string {
  return npmSpec(url);
}

function hexOfIntegrity(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
