/** The package of another version that the operator names: a folder, or a tarball that is unpacked into a temporary folder. */
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { SealiftError } from "../../modules/core/errors.ts";
import { isObject } from "../../modules/core/site/layers/values.ts";
import { packageEntries, toolkit, type SealiftManifest } from "../new/sealift-tarball.ts";

export interface OpenToolkit {
  /** For messages: as the operator named it. */
  readonly named: string;
  /** Root of the package. */
  readonly folder: string;
  readonly manifest: Pick<SealiftManifest, "name" | "version" | "dependencies">;
  readonly close: () => Promise<void>;
}

/** The Sealift that the repository in the working directory has installed; in a checkout of Sealift, the one that runs. */
export async function installedToolkit(): Promise<OpenToolkit> {
  const installed = resolve("node_modules", "sealift");
  const folder = (await isFile(join(installed, "package.json"))) ? installed : toolkit;
  return {
    named: folder,
    folder,
    manifest: await manifestOf(folder, folder),
    close: () => Promise.resolve(),
  };
}

/**
 * @param named a tarball of `npm run package`, the folder of a package, or a folder in which one is installed. A tarball brings none of its
 * dependencies: its code gets those of `installed`.
 * @throws {SealiftError} E_VALUE when it is not a package of Sealift.
 */
export async function namedToolkit(named: string, installed: OpenToolkit): Promise<OpenToolkit> {
  const found = await stat(named).catch((error: unknown) => {
    throw refusal(named, error instanceof Error ? error.message : String(error));
  });
  if (!found.isDirectory()) return unpackedToolkit(named, installed);
  const below = join(named, "node_modules", "sealift");
  const folder = resolve((await isFile(join(below, "package.json"))) ? below : named);
  return { named, folder, manifest: await manifestOf(folder, named), close: () => Promise.resolve() };
}

async function unpackedToolkit(file: string, installed: OpenToolkit): Promise<OpenToolkit> {
  const root = await mkdtemp(join(tmpdir(), "sealift-upgrade-"));
  const close = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    const folder = join(root, "sealift");
    await unpack(await readFile(file), folder).catch((error: unknown) => {
      throw refusal(file, error instanceof Error ? error.message : String(error));
    });
    const manifest = await manifestOf(folder, file);
    await symlink(await dependencies(installed, manifest, file), join(root, "node_modules"), "dir");
    return { named: file, folder, manifest, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A path below `package/`, of parts that no system reads as another folder. */
const member = /^package(\/(?!\.{1,2}(\/|$))[A-Za-z0-9@_.+-]+)+$/;
/** Ten times the files of a package of today. */
const mostFiles = 10_000;

/** Regular files only; npm's scripts of a package do not run. @throws {Error} */
async function unpack(bytes: Buffer, folder: string): Promise<void> {
  let files = 0;
  for await (const entry of packageEntries(bytes)) {
    const { name, type } = entry.header;
    if (type !== "directory") {
      files += 1;
      if (type !== "file" || !member.test(name)) throw new Error(`the entry ${name} (${type})`);
      if (files > mostFiles) throw new Error(`more than ${mostFiles} files`);
      const path = join(folder, name.slice("package/".length));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await buffer(entry), { flag: "wx" });
    } else entry.resume();
  }
}

async function manifestOf(folder: string, named: string): Promise<OpenToolkit["manifest"]> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => {
    throw refusal(named, "no package.json");
  });
  const { name, version, dependencies } = parsed(text, named);
  if (name !== "sealift" || typeof version !== "string") throw refusal(named, String(name));
  return { name, version, dependencies: dependencies ?? {} };
}

function parsed(text: string, named: string): Partial<SealiftManifest> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Refused below, as any other text.
  }
  throw refusal(named, "a package.json that is not a JSON object");
}

/** The node_modules folder of the installed version, if it has everything that the other one imports. */
async function dependencies(
  { folder }: OpenToolkit,
  { dependencies: needed, version }: OpenToolkit["manifest"],
  file: string,
): Promise<string> {
  const above = dirname(folder.replace(/\/$/, ""));
  const modules = above.endsWith("node_modules") ? above : join(folder, "node_modules");
  const has = await Promise.all(
    Object.keys(needed).map(
      async (name) => [name, await isFile(join(modules, name, "package.json"))] as const,
    ),
  );
  const missing = has.filter(([, present]) => !present).map(([name]) => name);
  if (missing.length === 0) return modules;
  throw new SealiftError([
    {
      where: file,
      code: "E_TOOLKIT_VERSION",
      subject: "sealift",
      found: `version ${version} needs ${missing.join(", ")}, which the installed version does not have`,
      expected: "a package whose dependencies are installed",
      fix: `install it in an empty folder (npm install --prefix <folder> ${file}) and name that folder`,
    },
  ]);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function refusal(where: string, found: string): SealiftError {
  return new SealiftError([
    {
      where,
      code: "E_VALUE",
      subject: "package",
      found,
      expected: "a package of Sealift: sealift-<version>.tgz, or a folder in which it is installed",
      fix: "compare its sha256 with SHA256SUMS, or name another file",
    },
  ]);
}
