/** Every file of a bundle in the order in which it is carried. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { type Digest, digestOfBytes } from "./digest.ts";
import { inside, parseSeal, readSealText } from "./layout.ts";
import { children, type Descriptor, hexOf, isManifest, type Manifest } from "./manifests.ts";

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
  const names = [inside.seal, ...(await signatures(directory)), inside.marker, inside.index, inside.lock];
  const seal = parseSeal(await readSealText(directory), directory);
  const pins: Readonly<Record<string, Digest>> = { [inside.index]: seal.index, [inside.lock]: seal.lock };
  const head = await Promise.all(
    names.map(async (name) => ({ name, ...(pins[name] ?? { bytes: await lengthOf(directory, name) }) })),
  );
  const manifests = new Map<string, BlobContent>();
  const others = new Map<string, BlobContent>();
  let level = children(await readPinned(directory, { name: inside.index, ...seal.index }));
  while (level.length > 0) {
    const below: Descriptor[] = [];
    for (const descriptor of level.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
      const blob = blobOf(descriptor);
      if (!blob.manifest) others.set(blob.sha256, blob);
      if (!blob.manifest || manifests.has(blob.sha256)) continue;
      manifests.set(blob.sha256, blob);
      below.push(...children(await readPinned(directory, blob)));
    }
    level = below;
  }
  for (const sha256 of manifests.keys()) others.delete(sha256);
  const bySize = [...others.values()].sort((a, b) => a.bytes - b.bytes || (a.sha256 < b.sha256 ? -1 : 1));
  const blobs = [...manifests.values(), ...bySize];
  refuse((await Promise.all(blobs.map((blob) => lengthProblems(directory, blob)))).flat());
  return { head, blobs };
}

/** A manifest that is what it must be: what hangs on another one means nothing. */
async function readPinned(directory: string, content: Content): Promise<Manifest> {
  refuse(await lengthProblems(directory, content));
  const data = await readFile(join(directory, content.name));
  const { sha256 } = digestOfBytes(data);
  if (sha256 === content.sha256) return JSON.parse(data.toString()) as Manifest;
  throw new SealiftError([wrong(directory, content, "E_BUNDLE_DIGEST", `sha256 ${sha256}`)]);
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

/** Everything that signs the bundle text stands beside it under its name. */
async function signatures(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => isSignature(name)).sort();
}

/** Whether a name in a bundle is that of a signature of its text. */
export function isSignature(name: string): boolean {
  return /^sealift\.json\.[a-z0-9.-]{1,40}$/.test(name) && !name.endsWith(".part");
}

async function lengthOf(directory: string, name: string): Promise<number> {
  return (await stat(join(directory, name))).size;
}

async function lengthProblems(directory: string, content: Content): Promise<readonly Problem[]> {
  const length = await lengthOf(directory, content.name).catch(() => undefined);
  if (length === content.bytes) return [];
  return length === undefined
    ? [wrong(directory, content, "E_BUNDLE_INCOMPLETE", "no such file")]
    : [wrong(directory, content, "E_BUNDLE_DIGEST", `${length} bytes`)];
}

function wrong(where: string, { name, bytes, sha256 }: Content, code: ErrorCode, got: string): Problem {
  const expected = `${bytes} bytes, sha256 ${sha256 ?? "?"}`;
  return { where, code, subject: name, got, expected, todo: "build the bundle again" };
}
