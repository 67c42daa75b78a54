/** The files of the package: those that git tracks, and what the compiler makes of the TypeScript among them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PackageLock } from "../offline-bundle/sbom/toolkit-sbom.ts";
import { compile } from "./compile.ts";
import { packageManifest, policyManifest } from "./manifest.ts";

export const checkout = fileURLToPath(new URL("..", import.meta.url));

export interface PackageFile {
  /** Relative to the root of the package. */
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

/** Entry of the library: only types that it uses are declared in the package. */
const entry = "modules/sealift.ts";
const template = /^cli\/new\/template\//;
const compiled = /^(cli|modules|offline-bundle)\/.*\.[jt]s$/;
const programs = [packageManifest().bin.sealift];
const copied = [
  /^(cli|modules|offline-bundle)\/.*\.(sh|json)$/,
  /^stacks\/.*\.(json|yaml)$/,
  /^offline-bundle\/(bundle(\.lock)?\.yaml|README\.md)$/,
  /^docs\/(guide|reference)\/[^/]*\.md$/,
  /^examples\//,
  // With it `sealift sbom` and `sealift new` know each dependency by its hash.
  /^(README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE|package-lock\.json)$/,
  template,
];

/** @throws {Error} when the TypeScript has errors. */
export function packageFiles(): readonly PackageFile[] {
  const tracked = trackedFiles();
  const sources = tracked.filter((path) => compiled.test(path) && !template.test(path));
  const copies = tracked.filter((path) => copied.some((pattern) => pattern.test(path)));
  return [
    { path: "package.json", text: `${JSON.stringify(packageManifest(), undefined, 2)}\n`, executable: false },
    ...compile(checkout, sources, entry).map((file) => ({
      ...file,
      executable: programs.includes(file.path),
    })),
    ...copies.map((path) => ({ path, text: copyOf(path), executable: false })),
  ];
}

/** Programs read them, and the reference pages show them to people; without their spaces they are half as long. That of the site stays as it is. */
const read = /^(?!stacks\/site\.).*\.schema\.json$/;

/** What `npm ci --omit=dev` installs: everything that reads this copy leaves the rest out. */
function withoutDevelopment(lock: PackageLock): PackageLock {
  const { packages } = lock;
  const needed = Object.entries(packages).filter(([, { dev }]) => dev !== true);
  const own = Object.entries(packages[""] ?? {}).filter(([key]) => key !== "devDependencies");
  return { ...lock, packages: { ...Object.fromEntries(needed), "": Object.fromEntries(own) } };
}

function copyOf(path: string): string {
  const text = readFileSync(join(checkout, path), "utf8");
  if (path === "package-lock.json")
    return `${JSON.stringify(withoutDevelopment(JSON.parse(text) as PackageLock))}\n`;
  if (read.test(path)) return `${JSON.stringify(JSON.parse(text))}\n`;
  return path.endsWith(".md") ? withoutPadding(text) : text;
}

/** Tables of Markdown without the spaces that align their columns: in wide tables these are most of the text. */
function withoutPadding(text: string): string {
  return text
    .split(/^(```[^]*?^```)$/m)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/^\|.*\|$/gm, (row) =>
            /^\|[ |:-]*$/.test(row)
              ? row.replace(/-{4,}/g, "---").replace(/ {2,}/g, " ")
              : row.replace(/ {2,}\|/g, " |"),
          ),
    )
    .join("");
}

/** The policy pack: the files of policy/ at the root of a package of its own. @throws {Error} when the TypeScript has errors. */
export function policyFiles(): readonly PackageFile[] {
  const tracked = trackedFiles().filter((path) => /^(policy\/|LICENSE$)/.test(path));
  const sources = tracked.filter((path) => path.endsWith(".ts"));
  const copies = tracked.filter((path) => /\.(md|yaml)$|^LICENSE$/.test(path));
  return [
    { path: "package.json", text: `${JSON.stringify(policyManifest(), undefined, 2)}\n` },
    ...compile(checkout, sources, "policy/index.ts"),
    ...copies.map((path) => ({ path, text: readFileSync(join(checkout, path), "utf8") })),
  ]
    .filter(({ path }) => !path.endsWith(".d.ts"))
    .map(({ path, text }) => ({ path: path.replace(/^policy\//, ""), text, executable: false }));
}

function trackedFiles(): readonly string[] {
  return execFileSync("git", ["ls-files"], { cwd: checkout, encoding: "utf8" }).trim().split("\n");
}
