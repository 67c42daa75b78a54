import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../offline-bundle/digest.ts";

/** Every file of a folder with what is in it: one line each, sorted. */
export async function folderListing(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? (await digestOf(path)).sha256 : "folder";
    return `${path.slice(folder.length)} ${content}`;
  });
  return (await Promise.all(lines)).sort();
}
