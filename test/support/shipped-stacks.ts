/** The environments that the project ships, without those that the lab has written for its guests. */
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkout } from "../lab/cache.ts";

/** Copies stacks/ to a folder that is not there yet. */
export async function copyShippedStacks(folder: string): Promise<void> {
  await cp(join(checkout, "stacks"), folder, {
    recursive: true,
    filter: (path) => !/^Pulumi\.lab.*\.yaml$/.test(basename(path)),
  });
}
