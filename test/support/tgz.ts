/** Archives that come out the same every time: fixed order, owner, time and mode. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";

export type TarEntry = { readonly path: string; readonly mode?: number } & (
  | { readonly content: Buffer | string }
  | { readonly file: string; readonly bytes: number }
  | { readonly target: string }
  | { readonly directory: true }
);

/**
 * Writes a gzipped tar. A missing mode is 0755; everything belongs to root and dates from 1970. Entries are written in the
 * order given.
 */
export async function writeTgz(entries: readonly TarEntry[], output: Writable): Promise<void> {
  const tar = pack();
  // Node's gzip leaves the time in its header empty.
  const writing = pipeline(tar, createGzip(), output);
  await Promise.all([writing, addAll()]);

  async function addAll(): Promise<void> {
    for (const entry of entries) await add(entry);
    tar.finalize();
  }

  async function add(entry: TarEntry): Promise<void> {
    const header = { name: entry.path, mode: entry.mode ?? 0o755, mtime: new Date(0), uid: 0, gid: 0 };
    if ("content" in entry) tar.entry(header, entry.content);
    else if ("target" in entry) tar.entry({ ...header, type: "symlink", linkname: entry.target });
    else if ("directory" in entry) tar.entry({ ...header, type: "directory" });
    else await pipeline(createReadStream(entry.file), tar.entry({ ...header, size: entry.bytes }));
  }
}
