/** Packs a bundle directory into an archive: one .tar.zst, whole or in parts. The same bundle gives the same bytes. */
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { type TarInput, tarBytes, tarOf } from "./archive/bundle-tar.ts";
import { type BlobContent, type ArchiveContents, archiveContents } from "./archive/archive-order.ts";
import { type Delta, deltaName, type BundleInventory, readInventory } from "./archive/delta.ts";
import { digestOfBytes } from "./io/digest.ts";
import { readBundleManifestText } from "./oci/layout.ts";
import type { LockReport } from "./lock.ts";
import { maxParts } from "./archive/part-index.ts";
import { clearUnfinished, type WrittenParts, writeParts } from "./archive/part-writer.ts";
import { requireDiskSpace, explainFullDisk } from "./io/disk-space.ts";
import { compressed, zstdLevels } from "./archive/zstd.ts";

export interface PackOptions {
  /** Path of the archive; ends in `.tar.zst`. An existing archive is replaced. */
  readonly file: string;
  /** Length of a part in bytes; absent: one file. */
  readonly splitBytes?: number;
  /** An inventory of the air-gapped side: blobs that it lists are omitted. */
  readonly have?: string;
  /** zstd level, 1 to 19; default 3. */
  readonly level?: number;
  readonly report?: LockReport;
}

export interface PackedArchive extends WrittenParts {
  /** Number of blobs in the archive, and of those that the air-gapped side has. */
  readonly blobs: number;
  readonly left: number;
  readonly leftBytes: number;
}

/**
 * Packs the bundle and checks each blob on the way. Everything is streamed; nothing is written but the archive or its parts.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_INCOMPLETE, E_BUNDLE_DIGEST (the directory is broken), E_NO_SPACE; E_VALUE
 * when `file` is something other than an archive, or when the options contradict each other.
 */
export async function packBundle(directory: string, options: PackOptions): Promise<PackedArchive> {
  const { file, splitBytes, level = zstdLevels.usual, report = () => undefined } = options;
  await refuseForeign(file);
  const bundleManifest = digestOfBytes(await readBundleManifestText(directory)).sha256;
  const have = options.have === undefined ? undefined : await readInventory(options.have);
  const contents = await archiveContents(directory);
  const { delta, packed } = without(contents, have);
  const entries = [...contents.head, ...(delta === undefined ? [] : [delta]), ...packed];
  const bytes = tarBytes(entries);
  refuseTooManyParts(file, bytes, splitBytes);
  await clearUnfinished(file);
  await requireDiskSpace([{ what: "the archive", path: file, bytes }]);
  const tar = tarOf(directory, entries, (done) => {
    report("packing", done / bytes);
  });
  const written = await explainFullDisk(file, () =>
    writeParts(compressed(tar, level), file, splitBytes, bundleManifest),
  );
  const inside = new Set(packed);
  const left = contents.blobs.filter((blob) => !inside.has(blob));
  return {
    ...written,
    blobs: packed.length,
    left: left.length,
    leftBytes: left.reduce((sum, blob) => sum + blob.bytes, 0),
  };
}

/** Manifests are always included: a reader of the stream must know which blobs belong to the bundle. */
function without(
  { blobs }: ArchiveContents,
  have: BundleInventory | undefined,
): { readonly delta?: TarInput; readonly packed: readonly BlobContent[] } {
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

/** Only an earlier archive may be replaced. */
async function refuseForeign(file: string): Promise<void> {
  const refusal = (found: string, expected: string, fix: string): SealiftError =>
    new SealiftError([{ where: file, code: "E_VALUE", subject: "output file", found, expected, fix }]);
  if (!file.endsWith(".tar.zst")) {
    throw refusal("the name has another extension", "a name that ends in .tar.zst", "change the file name");
  }
  if (!(await stat(dirname(file)).catch(() => undefined))?.isDirectory()) {
    throw refusal("no such folder", "an existing folder", "create the folder, or choose another one");
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing === undefined || (existing.isFile() && (await isZstd(file)))) return;
  throw refusal(
    "something other than an archive",
    "no file, or an archive to replace",
    "choose another file name",
  );
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
  if (splitBytes === undefined || bytes / splitBytes <= maxParts) return;
  throw new SealiftError([
    {
      where: file,
      code: "E_VALUE",
      subject: "--split",
      found: `${Math.ceil(bytes / splitBytes)} parts`,
      expected: `at most ${maxParts}`,
      fix: "increase the part size",
    },
  ]);
}
