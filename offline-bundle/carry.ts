/** Packs a bundle directory into what is carried: one .tar.zst, whole or in parts. The same bundle gives the same bytes. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { SealiftError } from "../modules/core/errors.ts";
import { type BlobContent, type Content, type Contents, contentsOf } from "./contents.ts";
import { type Delta, deltaName, type Inventory, readInventory } from "./delta.ts";
import { digestOfBytes } from "./digest.ts";
import { readSealText } from "./layout.ts";
import type { Report } from "./lock.ts";
import { mostParts } from "./part-index.ts";
import { clearUnfinished, type Written, writeParts } from "./part-writer.ts";
import { requireRoom, withinRoom } from "./room.ts";
import { compressed, zstdLevels } from "./zstd.ts";

export interface CarryOptions {
  /** Where the carried bundle goes; ends in `.tar.zst`. A carried bundle that is there already is replaced. */
  readonly file: string;
  /** Length of a part in bytes; absent: one file. */
  readonly splitBytes?: number;
  /** An inventory of the far side: blobs that it lists stay out. */
  readonly have?: string;
  /** zstd level, 1 to 19; default 3. */
  readonly level?: number;
  readonly report?: Report;
}

export interface Carried extends Written {
  /** Blobs that are in it, and those that the far side has. */
  readonly blobs: number;
  readonly left: number;
  readonly leftBytes: number;
}

/**
 * Packs, and checks each blob on the way. All of it is streamed; nothing is written but the file or its parts.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_INCOMPLETE, E_BUNDLE_DIGEST (the directory is broken), E_SPACE; E_VALUE
 * when `file` is taken by something else, or when the options make no sense.
 */
export async function carryBundle(directory: string, options: CarryOptions): Promise<Carried> {
  const { file, splitBytes, level = zstdLevels.usual, report = () => undefined } = options;
  await refuseForeign(file);
  const seal = digestOfBytes(await readSealText(directory)).sha256;
  const have = options.have === undefined ? undefined : await readInventory(options.have);
  const contents = await contentsOf(directory);
  const { delta, packed } = without(contents, have);
  const entries = [...contents.head, ...(delta === undefined ? [] : [delta]), ...packed];
  const bytes = tarBytes(entries);
  refuseTooManyParts(file, bytes, splitBytes);
  await clearUnfinished(file);
  await requireRoom([{ what: "the carried bundle", path: file, bytes }]);
  const tar = tarOf(directory, entries, (done) => {
    report("packing", done / bytes);
  });
  const written = await withinRoom(file, () => writeParts(compressed(tar, level), file, splitBytes, seal));
  const inside = new Set(packed);
  const left = contents.blobs.filter((blob) => !inside.has(blob));
  return {
    ...written,
    blobs: packed.length,
    left: left.length,
    leftBytes: left.reduce((sum, blob) => sum + blob.bytes, 0),
  };
}

/** Bytes of the archive before compression: what is carried is never noticeably longer. */
export function tarBytes(entries: readonly Content[]): number {
  const block = 512;
  return entries.reduce((sum, { bytes }) => sum + block + Math.ceil(bytes / block) * block, 2 * block);
}

interface Entry extends Content {
  /** Its bytes, when it is no file of the bundle. */
  readonly text?: string;
}

/** Manifests are always carried: whoever reads the stream has to know what belongs to the bundle. */
function without(
  { blobs }: Contents,
  have: Inventory | undefined,
): { readonly delta?: Entry; readonly packed: readonly BlobContent[] } {
  if (have === undefined) return { packed: blobs };
  const known = new Set(have.digests);
  const lacks = blobs.filter((blob) => !blob.manifest && known.has(blob.sha256)).map(({ sha256 }) => sha256);
  const delta: Delta = { format: 1, base: have.of, lacks: lacks.sort() };
  const text = `${JSON.stringify(delta, undefined, 2)}\n`;
  return {
    delta: { name: deltaName, bytes: Buffer.byteLength(text), text },
    packed: blobs.filter(({ manifest, sha256 }) => manifest || !known.has(sha256)),
  };
}

async function* tarOf(
  directory: string,
  entries: readonly Entry[],
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const tar = pack();
  let done = 0;
  const adding = (async () => {
    for (const entry of entries) await add(entry);
    tar.finalize();
  })();
  adding.catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for await (const piece of tar) {
    done += (piece as Buffer).length;
    progress(done);
    yield piece as Buffer;
  }
  await adding;

  async function add(entry: Entry): Promise<void> {
    const { name, bytes, text } = entry;
    const header = { name, size: bytes, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
    if (text !== undefined) {
      tar.entry(header, text);
      return;
    }
    await pipeline(checked(directory, entry), tar.entry(header));
  }
}

/** The bytes of a file, ending in a refusal when they are not what they must be. */
async function* checked(directory: string, entry: Entry): AsyncGenerator<Buffer> {
  const { name, bytes } = entry;
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of createReadStream(join(directory, name), { highWaterMark: readSizeBytes })) {
    const piece = chunk as Buffer;
    length += piece.length;
    // The archive has announced the length: more must not get into it.
    if (length > bytes) throw differs(directory, entry, `more than ${bytes} bytes`);
    hash.update(piece);
    yield piece;
  }
  const sha256 = hash.digest("hex");
  if (length !== bytes || (entry.sha256 ?? sha256) !== sha256) {
    throw differs(directory, entry, `${length} bytes, sha256 ${sha256}`);
  }
}

const readSizeBytes = 1024 * 1024;

function differs(directory: string, { name, bytes }: Entry, got: string): SealiftError {
  return new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_DIGEST",
      subject: name,
      got,
      expected: `${bytes} bytes with the sha256 of its name`,
      todo: "build the bundle again",
    },
  ]);
}

/** Only an earlier carried bundle may be replaced. */
async function refuseForeign(file: string): Promise<void> {
  const refusal = (got: string, expected: string, todo: string): SealiftError =>
    new SealiftError([{ where: file, code: "E_VALUE", subject: "output file", got, expected, todo }]);
  if (!file.endsWith(".tar.zst")) {
    throw refusal("another ending", "a name that ends in .tar.zst", "name the file for what it is");
  }
  if (!(await stat(dirname(file)).catch(() => undefined))?.isDirectory()) {
    throw refusal("no such folder", "a folder that is there", "make the folder, or name another");
  }
  const there = await stat(file).catch(() => undefined);
  if (there === undefined || (there.isFile() && (await isZstd(file)))) return;
  throw refusal("something that is no carried bundle", "nothing, or one to replace", "name another file");
}

async function isZstd(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 0 || buffer.readUInt32LE(0) === zstdMagic;
  } finally {
    await handle.close();
  }
}

/** RFC 8878, section 3.1.1. */
const zstdMagic = 0xfd2fb528;

function refuseTooManyParts(file: string, bytes: number, splitBytes: number | undefined): void {
  if (splitBytes === undefined || bytes / splitBytes <= mostParts) return;
  throw new SealiftError([
    {
      where: file,
      code: "E_VALUE",
      subject: "--split",
      got: `${Math.ceil(bytes / splitBytes)} parts`,
      expected: `at most ${mostParts}`,
      todo: "make the parts longer",
    },
  ]);
}
