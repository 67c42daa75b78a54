/** Writes a stream into one file, or into parts of a given size with their list. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Digest } from "../io/digest.ts";
import { type Part, type PartIndex, partIndexName, partName } from "./part-index.ts";

export interface WrittenParts extends Digest {
  /** Paths of all files, in order. */
  readonly files: readonly string[];
}

/**
 * Writes `<file>`, or with `splitBytes` `<file>.001`, `<file>.002`… and `<file>.parts.json`. Every file is named `<name>.part`
 * until all are flushed to the disk. The list is written last: when it exists, all parts exist. Files of an earlier, longer
 * bundle of this name are removed. After a failure no file is left.
 *
 * @param bundleManifest sha256 of the bundle manifest, for the list.
 */
export async function writeParts(
  stream: AsyncIterable<Buffer>,
  file: string,
  splitBytes: number | undefined,
  bundleManifest: string,
): Promise<WrittenParts> {
  const arriving: string[] = [];
  try {
    const hash = createHash("sha256");
    const parts: Part[] = [];
    let bytes = 0;
    let current: OpenPart | undefined;
    const finish = async (): Promise<void> => {
      if (current !== undefined) parts.push(await close(current));
      current = undefined;
    };
    try {
      for await (const piece of stream) {
        if (splitBytes !== undefined) hash.update(piece);
        bytes += piece.length;
        let rest = piece;
        while (rest.length > 0) {
          const path = splitBytes === undefined ? file : partName(file, parts.length + 1);
          if (current === undefined) arriving.push(path);
          current ??= await start(path);
          const head = rest.subarray(0, (splitBytes ?? Infinity) - current.bytes);
          rest = rest.subarray(head.length);
          await append(current, head);
          if (current.bytes === splitBytes) await finish();
        }
      }
      await finish();
    } finally {
      await current?.handle.close();
    }
    const [only] = parts;
    const sha256 = splitBytes === undefined && only !== undefined ? only.sha256 : hash.digest("hex");
    const digest = { bytes, sha256 };
    const index: PartIndex = { format: 1, manifest: bundleManifest, archive: digest, parts };
    await finishPart(file, arriving, splitBytes === undefined ? undefined : index);
    const list = splitBytes === undefined ? [] : [partIndexName(file)];
    return { ...digest, files: [...arriving, ...list] };
  } catch (error) {
    for (const path of [...arriving, partIndexName(file)]) await rm(`${path}.part`, { force: true });
    throw error;
  }
}

interface OpenPart {
  readonly path: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  bytes: number;
}

async function start(path: string): Promise<OpenPart> {
  return { path, handle: await fresh(`${path}.part`), hash: createHash("sha256"), bytes: 0 };
}

/** Removes the leftover of an earlier run; a link that somebody put there meanwhile is not followed (open(2), O_EXCL). */
async function fresh(path: string): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, "wx");
}

async function append(part: OpenPart, data: Buffer): Promise<void> {
  const writing = part.handle.writeFile(data);
  part.hash.update(data);
  part.bytes += data.length;
  await writing;
}

/** People unplug a USB drive as soon as the command has ended: the bytes must be on it by then. */
async function close({ path, handle, hash, bytes }: OpenPart): Promise<Part> {
  await handle.sync();
  await handle.close();
  return { name: basename(path), bytes, sha256: hash.digest("hex") };
}

async function finishPart(
  file: string,
  arriving: readonly string[],
  index: PartIndex | undefined,
): Promise<void> {
  const list = partIndexName(file);
  if (index !== undefined) {
    const handle = await fresh(`${list}.part`);
    await handle.writeFile(`${JSON.stringify(index, undefined, 2)}\n`);
    await handle.sync();
    await handle.close();
  }
  await rm(list, { force: true });
  const kept = arriving.flatMap((path) => [path, `${path}.part`]);
  for (const path of await earlier(file)) if (!kept.includes(path)) await rm(path, { force: true });
  for (const path of arriving) await rename(`${path}.part`, path);
  if (index !== undefined) await rename(`${list}.part`, list);
}

/** Files that earlier runs left under this name, whole or in parts, finished or not. */
async function earlier(file: string): Promise<readonly string[]> {
  const name = basename(file);
  const names = await readdir(dirname(file));
  const isPartOfArchive = (one: string): boolean =>
    one === name || (one.startsWith(`${name}.`) && /^\.\d{3}(\.part)?$/.test(one.slice(name.length)));
  return names.filter(isPartOfArchive).map((one) => join(dirname(file), one));
}

/** Removes leftovers of interrupted runs before free space is checked. */
export async function clearUnfinished(file: string): Promise<void> {
  for (const path of await earlier(file)) if (path.endsWith(".part")) await rm(path, { force: true });
  await rm(`${file}.part`, { force: true });
  await rm(`${partIndexName(file)}.part`, { force: true });
}
