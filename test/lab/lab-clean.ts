import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheDir, cachePath, checkout } from "./cache.ts";
import { allRecords } from "./guest-record.ts";
import { removeGuest } from "./guest.ts";
import { stopAgent } from "./lab-guest.ts";
import { stateDir } from "./pulumi/pulumi-env.ts";

/**
 * Stops and removes all guests, the lab's stacks and what Pulumi knows of them.
 *
 * @param all true: the whole cache folder too, so that the next run starts from nothing.
 * @returns what was removed, for a person to read.
 */
export async function cleanLab(all: boolean): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { name } of allRecords()) {
    await stopAgent(name);
    await removeGuest(name);
    removed.push(`guest ${name}`);
  }
  const stacks = join(checkout, "stacks");
  for (const file of readdirSync(stacks).filter((each) =>
    /^(Pulumi\.lab.*\.yaml|lab.*\.(site\.yaml|age))$/.test(each),
  )) {
    rmSync(join(stacks, file));
    removed.push(`stacks/${file}`);
  }
  for (const folder of [cachePath("lab", "guests"), stateDir, ...(all ? [cacheDir] : [])]) {
    rmSync(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}
