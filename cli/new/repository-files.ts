/** The files of a new repository: the template, and what depends on the versions of this Sealift. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { LockedPackage, PackageLock } from "../../offline-bundle/sbom/toolkit-sbom.ts";
import type { SealiftTarball } from "./sealift-tarball.ts";
import { toolkit } from "./sealift-tarball.ts";

/** Paths relative to the repository, and their content. */
export type RepositoryFiles = ReadonlyMap<string, string | Buffer>;

/** @param name of the Pulumi project. */
export async function repositoryFiles(name: string, sealift: SealiftTarball): Promise<RepositoryFiles> {
  const lock = JSON.parse(await textOf("package-lock.json")) as PackageLock;
  const vendored = `vendor/${basename(sealift.file)}`;
  const root = repositoryManifest(sealift, vendored, lock);
  const files = new Map<string, string | Buffer>([
    ["package.json", json(root)],
    ["package-lock.json", json(repositoryLock(name, root, sealift, vendored, lock))],
    [vendored, sealift.bytes],
    ["offline-bundle/bundle.yaml", schemaLine + (await textOf("offline-bundle/bundle.yaml"))],
    ["offline-bundle/bundle.lock.yaml", await textOf("offline-bundle/bundle.lock.yaml")],
  ]);
  const template = "cli/new/template";
  const entries = await readdir(join(toolkit, template), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name).slice(join(toolkit, template).length + 1);
    const text = await textOf(join(template, path));
    // npm renames each .gitignore of a package, so none of the hidden files has its real name in there.
    files.set(path.replace(/^dot-/, "."), path === "Pulumi.yaml" ? text.replace("my-site", name) : text);
  }
  return files;
}

const schemaLine =
  "# yaml-language-server: $schema=../node_modules/sealift/offline-bundle/bundle.schema.json\n#\n";

interface RepositoryManifest {
  readonly private: true;
  readonly type: "module";
  readonly engines: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Exact versions. Pulumi's packages are the program's own as well: there must be one copy of each. */
function repositoryManifest(
  { manifest }: SealiftTarball,
  vendored: string,
  lock: PackageLock,
): RepositoryManifest {
  const pulumi = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith("@pulumi/"));
  return {
    private: true,
    type: "module",
    engines: manifest.engines,
    scripts: { check: "tsc --noEmit && sealift check" },
    dependencies: { ...Object.fromEntries(pulumi), sealift: `file:${vendored}` },
    devDependencies: { typescript: lock.packages["node_modules/typescript"]?.version ?? "" },
  };
}

/**
 * package-lock.json: the packages that Sealift was tested with, by the same hashes. The program runs with the team's own Node.js, so the
 * one of Sealift's checkout is left out.
 */
function repositoryLock(
  name: string,
  { dependencies, devDependencies, engines }: RepositoryManifest,
  { manifest, integrity }: SealiftTarball,
  vendored: string,
  { packages }: PackageLock,
): object {
  const kept = Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true && !/^node_modules\/node-linux-/.test(path))
    .map(([path, entry]) => [path, withoutCheckout(path, entry)] as const);
  const { version, license, bin } = manifest;
  const own = {
    ...{ version, resolved: `file:${vendored}`, integrity, license, dependencies: manifest.dependencies },
    ...{ bin, engines: manifest.engines },
  };
  const all: readonly (readonly [string, LockedPackage | object])[] = [
    ...kept,
    ["node_modules/sealift", own],
  ];
  return {
    name,
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { dependencies, devDependencies, engines },
      ...Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

/** What is optional there and needed by tools of Sealift's checkout is optional alone here; TypeScript is the exception. */
function withoutCheckout(path: string, entry: LockedPackage): LockedPackage {
  if (entry.devOptional !== true || path === "node_modules/typescript") return entry;
  const kept = Object.entries(entry).filter(([key]) => key !== "devOptional");
  return { ...Object.fromEntries(kept), optional: true };
}

async function textOf(path: string): Promise<string> {
  return readFile(join(toolkit, path), "utf8");
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
