/** Debian packages as the files of one layer: nothing of them is run, so it takes neither root nor a package manager. */
import { spawn } from "node:child_process";
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import type { Deb } from "../packages/packages.ts";
import type { TarEntry } from "../../support/fixtures/tgz.ts";
import type { Part } from "./packages.ts";

/**
 * @param debs among them all packages of the parts.
 * @throws {Error} when a package has nothing of what is wanted of it: it has changed.
 */
export async function entriesOf(
  parts: readonly Part[],
  debs: readonly Deb[],
): Promise<ReadonlyMap<string, TarEntry>> {
  const entries = new Map<string, TarEntry>();
  for (const { packages, keep } of parts) {
    for (const name of packages) {
      const deb = debs.find((one) => one.name === name);
      const taken = deb === undefined ? [] : await filesOf(deb.path, keep);
      if (taken.length === 0) throw new Error(`${name}: found: no file ${String(keep)}`);
      for (const entry of taken) entries.set(entry.path, entry);
    }
  }
  return entries;
}

async function filesOf(deb: string, keep: RegExp): Promise<readonly TarEntry[]> {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", deb], { stdio: ["ignore", "pipe", "inherit"] });
  const archive = extract();
  const reading = pipeline(child.stdout, archive);
  // Awaited below; the loop ends by itself when the stream fails.
  reading.catch(() => undefined);
  const found: TarEntry[] = [];
  for await (const entry of archive) {
    const path = posix.normalize(entry.header.name);
    const { type, mode } = entry.header;
    if (!keep.test(path)) entry.resume();
    else if (type === "file") found.push({ path, mode: mode & 0o777, content: await buffer(entry) });
    else {
      entry.resume();
      if (type === "symlink") found.push({ path, target: entry.header.linkname });
      if (type === "link") found.push({ ...fileOf(found, entry.header.linkname), path });
    }
  }
  await reading;
  return found;
}

/** A second name stands for a file that has come before. */
function fileOf(found: readonly TarEntry[], name: string): TarEntry {
  const first = found.find(({ path }) => path === posix.normalize(name));
  if (first === undefined) throw new Error(`found: a second name of ${name}, which is not taken`);
  return first;
}

/** The entries in the order of their names, with every folder above them. */
export function withFolders(entries: ReadonlyMap<string, TarEntry>): readonly TarEntry[] {
  const all = new Map(entries);
  for (const path of entries.keys())
    for (let above = posix.dirname(path); above !== "."; above = posix.dirname(above))
      if (!all.has(`${above}/`) && !all.has(above))
        all.set(`${above}/`, { path: `${above}/`, directory: true });
  const names = [...all.keys()].toSorted((one, other) => (one < other ? -1 : 1));
  return names.flatMap((name) => all.get(name) ?? []);
}
