/** Packs a bundle directory into what is carried: one .tar.zst, whole or in parts. The same bundle gives the same bytes. */
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { type Entry, tarBytes, tarOf } from "./bundle-tar.ts";
import { type BlobContent, type Contents, contentsOf } from "./carried-order.ts";
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
