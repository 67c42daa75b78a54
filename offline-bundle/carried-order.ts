/** Every file of a bundle in the order in which it is carried. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { digestOfBytes } from "./digest.ts";
import { inside, markerText, parseSeal, readSealText } from "./layout.ts";
import { limits } from "./limits.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
} from "./manifests.ts";
import { otherKind, readRegular, UnusableFile } from "./regular-file.ts";
import { signatureFiles } from "./signature-files.ts";

/** A file of a bundle. */
export interface Content {
  /** Path inside the bundle. */
  readonly name: string;
  readonly bytes: number;
  /** What it must hash to, where that is known. */
  readonly sha256?: string;
}

export interface BlobContent extends Content {
  readonly sha256: string;
  readonly manifest: boolean;
}

export interface Contents {
  /** Bundle text, signatures, marker, index and lock. */
  readonly head: readonly Content[];
  /** Manifests from the index down, then everything else from small to large. */
  readonly blobs: readonly BlobContent[];
}

/**
 * Lists a bundle so that whoever reads it from the start always knows what may come next: first what is signed and the
 * signature, then the index and the lock that hang on it, then each manifest after the one that names it, then the blobs.
 *
 * @throws {SealiftError} E_BUNDLE_INCOMPLETE and E_BUNDLE_DIGEST for what is not there or not as long as it must be.
 */
export async function contentsOf(directory: string): Promise<Contents> {
  const text = await readSealText(directory);
  const seal = parseSeal(text, directory);
  const signatures = await signatureFiles(directory);
  const head = [
    contentOf(inside.seal, text),
    ...signatures
      .map(({ name, text: own }) => contentOf(name, Buffer.from(own, "latin1")))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    contentOf(inside.marker, Buffer.from(markerText)),
    { name: inside.index, ...seal.index },
    { name: inside.lock, ...seal.lock },
  ];
  refuse((await Promise.all(head.map((one) => lengthProblems(directory, one)))).flat());
  const manifests = new Map<string, BlobContent>();
  const others = new Map<string, BlobContent>();
  let level = children(await readPinned(directory, { name: inside.index, ...seal.index }, limits.index));
  while (level.length > 0) {
    const below: Descriptor[] = [];
    for (const descriptor of level.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
      const blob = blobOf(descriptor);
      if (!blob.manifest) others.set(blob.sha256, blob);
      if (!blob.manifest || manifests.has(blob.sha256)) continue;
      manifests.set(blob.sha256, blob);
      below.push(...children(await readPinned(directory, blob, limits.manifest)));
    }
    level = below;
  }
  for (const sha256 of manifests.keys()) others.delete(sha256);
  const bySize = [...others.values()].sort((a, b) => a.bytes - b.bytes || (a.sha256 < b.sha256 ? -1 : 1));
  const blobs = [...manifests.values(), ...bySize];
  refuse((await Promise.all(blobs.map((blob) => lengthProblems(directory, blob)))).flat());
  return { head, blobs };
}

/** What has been read: what is packed of it later has to be the same. */
function contentOf(name: string, bytes: Buffer): Content {
  return { name, ...digestOfBytes(bytes) };
}

/** A manifest that is what it must be: what hangs on another one means nothing. */
async function readPinned(directory: string, content: Content, mostBytes: number): Promise<Manifest> {
  refuse(await lengthProblems(directory, content));
  try {
    const data = await readRegular(join(directory, content.name), mostBytes, "refuse");
    const { sha256 } = digestOfBytes(data);
    if (sha256 === content.sha256) return parseManifest(data);
    throw new SealiftError([wrong(directory, content, "E_BUNDLE_DIGEST", `sha256 ${sha256}`)]);
  } catch (error) {
    if (!(error instanceof NoManifest || error instanceof UnusableFile)) throw error;
    throw new SealiftError([wrong(directory, content, "E_BUNDLE_DIGEST", error.message)]);
  }
}

/** What a descriptor says of its blob. */
export function blobOf(descriptor: Descriptor): BlobContent {
  const sha256 = hexOf(descriptor.digest);
  return {
    name: `${inside.blobs}/${sha256}`,
    bytes: descriptor.size,
    sha256,
    manifest: isManifest(descriptor),
  };
}

async function lengthProblems(directory: string, content: Content): Promise<readonly Problem[]> {
  const found = await lstat(join(directory, content.name)).catch(() => undefined);
  if (found === undefined) return [wrong(directory, content, "E_BUNDLE_INCOMPLETE", "no such file")];
  const got = otherKind(found) ?? `${found.size} bytes`;
  return found.isFile() && found.size === content.bytes
    ? []
    : [wrong(directory, content, "E_BUNDLE_DIGEST", got)];
}

function wrong(where: string, { name, bytes, sha256 }: Content, code: ErrorCode, got: string): Problem {
  const expected = `${bytes} bytes, sha256 ${sha256 ?? "?"}`;
  return { where, code, subject: name, got, expected, todo: "build the bundle again" };
}
