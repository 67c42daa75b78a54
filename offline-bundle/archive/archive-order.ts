/** The order of a bundle's files in an archive. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { inside, markerText, parseBundleManifest, readBundleManifestText } from "../oci/layout.ts";
import { limits } from "../io/limits.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
} from "../oci/manifests.ts";
import { otherKind, readRegular, UnusableFile } from "../io/regular-file.ts";
import { signatureFiles } from "../signing/signature-files.ts";
import { readTree } from "../oci/check-layout.ts";

/** A file of a bundle. */
export interface ArchiveEntry {
  /** Path inside the bundle. */
  readonly name: string;
  readonly bytes: number;
  /** Expected sha256, where it is known. */
  readonly sha256?: string;
}

export interface BlobContent extends ArchiveEntry {
  readonly sha256: string;
  readonly manifest: boolean;
}

export interface ArchiveContents {
  /** Bundle manifest, signatures, marker, index and lock. */
  readonly head: readonly ArchiveEntry[];
  /** Manifests from the index down, then all other blobs from small to large. */
  readonly blobs: readonly BlobContent[];
}

/**
 * Lists the files of a bundle so that a reader always knows what may come next: first the signed text and its signatures, then
 * the index and the lock that the text pins, then each manifest after the manifest that names it, then the other blobs.
 *
 * @throws {SealiftError} E_BUNDLE_INCOMPLETE and E_BUNDLE_DIGEST for a file that is missing or has the wrong length.
 */
export async function archiveContents(directory: string): Promise<ArchiveContents> {
  const text = await readBundleManifestText(directory);
  const bundleManifest = parseBundleManifest(text, directory);
  const signatures = await signatureFiles(directory);
  const head = [
    contentOf(inside.manifest, text),
    ...signatures
      .map(({ name, text: own }) => contentOf(name, Buffer.from(own, "latin1")))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    contentOf(inside.marker, Buffer.from(markerText)),
    { name: inside.index, ...bundleManifest.index },
    { name: inside.lock, ...bundleManifest.lock },
  ];
  refuse((await Promise.all(head.map((one) => lengthProblems(directory, one)))).flat());
  const manifests = new Map<string, BlobContent>();
  const others = new Map<string, BlobContent>();
  const index = await readIndexOf(directory, { name: inside.index, ...bundleManifest.index });
  const { tree, problems } = await readTree(directory, index);
  refuse(problems);
  for (let level = children(index); level.length > 0;) {
    const below: Descriptor[] = [];
    for (const descriptor of level.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
      const blob = blobOf(descriptor);
      if (!blob.manifest) others.set(blob.sha256, blob);
      if (!blob.manifest || manifests.has(blob.sha256)) continue;
      manifests.set(blob.sha256, blob);
      below.push(...children(tree.manifests.get(blob.sha256)?.manifest ?? {}));
    }
    level = below;
  }
  for (const sha256 of manifests.keys()) others.delete(sha256);
  const bySize = [...others.values()].sort((a, b) => a.bytes - b.bytes || (a.sha256 < b.sha256 ? -1 : 1));
  const blobs = [...manifests.values(), ...bySize];
  refuse((await Promise.all(blobs.map((blob) => lengthProblems(directory, blob)))).flat());
  return { head, blobs };
}

/** The bytes as they were read: the packed file must be identical. */
function contentOf(name: string, bytes: Buffer): ArchiveEntry {
  return { name, ...digestOfBytes(bytes) };
}

/** The signed index; the manifests below any other index are meaningless. */
async function readIndexOf(directory: string, content: ArchiveEntry): Promise<Manifest> {
  try {
    const data = await readRegular(join(directory, content.name), limits.index, "refuse");
    const { sha256 } = digestOfBytes(data);
    if (sha256 === content.sha256) return parseManifest(data);
    throw new SealiftError([wrong(directory, content, "E_BUNDLE_DIGEST", `sha256 ${sha256}`)]);
  } catch (error) {
    if (!(error instanceof NoManifest || error instanceof UnusableFile)) throw error;
    throw new SealiftError([wrong(directory, content, "E_BUNDLE_DIGEST", error.message)]);
  }
}

/** The blob that a descriptor names. */
export function blobOf(descriptor: Descriptor): BlobContent {
  const sha256 = hexOf(descriptor.digest);
  return {
    name: `${inside.blobs}/${sha256}`,
    bytes: descriptor.size,
    sha256,
    manifest: isManifest(descriptor),
  };
}

async function lengthProblems(directory: string, content: ArchiveEntry): Promise<readonly Problem[]> {
  const stats = await lstat(join(directory, content.name)).catch(() => undefined);
  if (stats === undefined) return [wrong(directory, content, "E_BUNDLE_INCOMPLETE", "no such file")];
  const found = otherKind(stats) ?? `${stats.size} bytes`;
  return stats.isFile() && stats.size === content.bytes
    ? []
    : [wrong(directory, content, "E_BUNDLE_DIGEST", found)];
}

function wrong(
  where: string,
  { name, bytes, sha256 }: ArchiveEntry,
  code: ErrorCode,
  found: string,
): Problem {
  const expected = `${bytes} bytes, sha256 ${sha256 ?? "?"}`;
  return { where, code, subject: name, found, expected, fix: "build the bundle again" };
}
