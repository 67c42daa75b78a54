/** Single files out of Debian packages. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";

/**
 * Copies files out of a package: path inside -> path outside, as executables.
 *
 * @throws {Error} when one is not in it.
 */
export async function takeOut(deb: string, paths: ReadonlyMap<string, string>): Promise<void> {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", deb], { stdio: ["ignore", "pipe", "inherit"] });
  const entries = extract();
  const reading = pipeline(child.stdout, entries);
  // Awaited below; the loop ends by itself when the stream fails.
  reading.catch(() => undefined);
  const left = new Set(paths.keys());
  for await (const entry of entries) {
    const path = entry.header.name.replace(/^\.\//, "");
    const target = paths.get(path);
    if (target === undefined) {
      entry.resume();
      continue;
    }
    await pipeline(entry, createWriteStream(target, { mode: 0o755 }));
    left.delete(path);
  }
  await reading;
  if (left.size > 0) throw new Error(`${deb} has no ${[...left].join(", ")}`);
}
