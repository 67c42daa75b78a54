/** What the lab's bundle is made of: kept beside the one that is there, and the name of its folder. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeAtomically } from "../../../modules/core/write-atomically.ts";
import { cachePath, checkout } from "../cache.ts";
import type { Plugin } from "./cli-plugins.ts";
import type { Engine, EngineChoice } from "./engine.ts";
import type { ToolTarball } from "./tool-tarball.ts";

export interface Content {
  readonly choice: EngineChoice;
  readonly engines: readonly Engine[];
  readonly plugins: readonly Plugin[];
  /** What is packed of the lab's tools. */
  readonly tools: readonly ToolTarball[];
  /** Recipes of what is made here: of the tools, then of the projects of applications. */
  readonly made: readonly string[];
  /** What the images of applications are made from, where they are in it. */
  readonly apps?: string;
}

/** Where a bundle of this choice is kept: those with a registry beside the others, which take each other's place. */
export function bundleFolder(choice: EngineChoice): string {
  return cachePath(choice === "registry" || choice === "apps" ? `bundle-${choice}` : "bundle");
}

/** Says what is in the bundle that is there. */
const recordOf = (choice: EngineChoice): string => join(bundleFolder(choice), "content.json");

export async function readContent(choice: EngineChoice): Promise<Content | undefined> {
  const text = await readFile(recordOf(choice), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Content);
}

export async function writeContent(content: Content): Promise<void> {
  await writeAtomically(recordOf(content.choice), JSON.stringify(content));
}

/** Named after all that goes in: engines, plugins, and the code that makes the bundle. */
export async function folderOf(content: Content): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(content));
  for (const folder of ["offline-bundle", join("test", "lab")]) {
    const all = await readdir(join(checkout, folder), { recursive: true });
    const names = all.filter((name) => isInput(folder, name));
    for (const name of names.toSorted()) hash.update(await readFile(join(checkout, folder, name)));
  }
  for (const name of recipe) hash.update(await readFile(join(checkout, "test", "lab", "tools", name)));
  return join(bundleFolder(content.choice), "made", hash.digest("hex").slice(0, 16));
}

function isInput(folder: string, name: string): boolean {
  if (folder === "offline-bundle") return name.endsWith(".ts") || name.endsWith(".schema.json");
  return inputs.has(basename(name));
}

const inputs: ReadonlySet<string> = new Set([
  "built-engine.ts",
  "bundle-content.ts",
  "bundle.ts",
  "cli-plugins.ts",
  "deb-files.ts",
  "debian-engine.ts",
  "engine-tarball.ts",
  "engine.ts",
  "image-kinds.ts",
  "scratch-image.ts",
  "tool-tarball.ts",
]);

/** What engine 29 is built from, below test/lab/tools. */
const recipe = ["engine-modules.ts", join("containerd", "go.sum"), join("dockerd", "go.sum")];
