import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";

/**
 * Takes the programs out of a .tar.gz, as executable files without their folders.
 *
 * @param from - the programs' folder within the archive, with its slash; "" for the top.
 * @throws {Error} when one of them is not in it, or the archive is broken.
 */
export async function unpack(
  archive: string,
  from: string,
  programs: readonly string[],
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const paths = new Set(programs.map((program) => `${from}${program}`));
  const entries = extract();
  const read = pipeline(createReadStream(archive), createGunzip(), entries);
  for await (const entry of entries) {
    const name = entry.header.name.replace(/^\.\//, "");
    if (paths.delete(name))
      await pipeline(entry, createWriteStream(join(folder, name.slice(from.length)), { mode: 0o755 }));
    else entry.resume();
  }
  await read;
  if (paths.size > 0) throw new Error(`${archive} has no ${[...paths].join(", ")}`);
}
