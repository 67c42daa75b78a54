/** The Compose projects of the shop: the two of the examples, and two like them whose images are bad. */
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../cache.ts";
import { shopReleases } from "./app-images.ts";

const examples = join(checkout, "examples", "apps", "shop");
/** What the bad ones are copies of. */
const good = "1.1.0";

/** What each of them consists of. */
export const shopServices = ["web", "worker", "database", "cache"] as const;

/** What a version consists of. */
const files = ["compose.yaml", "shop.conf"] as const;

/** Changes with the projects of the examples. */
export async function shopRecipe(): Promise<string> {
  const hash = createHash("sha256");
  const versions = (await readdir(examples)).filter((name) => shopReleases.includes(name));
  for (const version of versions.toSorted())
    for (const name of files) hash.update(await readFile(join(examples, version, name)));
  return hash.digest("hex");
}

/** Writes `<folder>/<version>/compose.yaml`, and the files beside it, for each version that has an image. */
export async function writeShop(folder: string): Promise<void> {
  const own = await readdir(examples);
  for (const version of shopReleases) {
    const target = join(folder, version);
    await mkdir(target, { recursive: true });
    const source = join(examples, own.includes(version) ? version : good);
    for (const name of files) await cp(join(source, name), join(target, name));
    const file = join(target, "compose.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll(`shop:${good}`, `shop:${version}`));
  }
}
