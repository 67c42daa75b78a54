/** The Compose projects of the lab: the shop of the examples, with two more versions whose images are bad, and a ledger. */
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { checkout } from "../cache.ts";
import { shopReleases } from "./app-images.ts";

export const labApps: readonly {
  readonly name: string;
  readonly versions: readonly string[];
  readonly swarm?: true;
}[] = [
  { name: "shop", versions: shopReleases, swarm: true },
  { name: "ledger", versions: ["1.0.0"] },
];

/** What each version of the shop consists of. */
export const shopServices = ["web", "worker", "database", "cache"] as const;

const shop = join(checkout, "examples", "apps", "shop");
const ledger = join(import.meta.dirname, "ledger");
/** What the bad ones are copies of. */
const good = "1.1.0";

/** Changes with the files of the projects. */
export async function labAppsRecipe(): Promise<string> {
  const hash = createHash("sha256");
  for (const [, source] of await sources())
    for (const name of (await readdir(source)).filter(travels).toSorted())
      hash.update(`${name}\n`).update(await readFile(join(source, name)));
  return hash.digest("hex");
}

/** Writes `<folder>/<app>/<version>/compose.yaml`, and the files beside it. */
export async function writeLabApps(folder: string): Promise<void> {
  for (const [path, source] of await sources()) {
    const target = join(folder, path);
    await mkdir(target, { recursive: true });
    await cp(source, target, { recursive: true, filter: (path) => travels(relative(source, path)) });
  }
  for (const version of shopReleases) {
    const file = join(folder, "shop", version, "compose.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll(`shop:${good}`, `shop:${version}`));
  }
}

/** Folder of each version among the others, and where its files are. */
async function sources(): Promise<readonly (readonly [path: string, source: string])[]> {
  const own = await readdir(shop);
  return labApps.flatMap(({ name, versions }) =>
    versions.map((version) => {
      const source = name === "ledger" ? ledger : shop;
      return [join(name, version), join(source, own.includes(version) ? version : good)] as const;
    }),
  );
}

/** Secrets are made by whoever runs a project by hand. */
function travels(path: string): boolean {
  return !path.split("/").includes("secrets");
}
