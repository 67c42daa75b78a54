/** Index and manifests of a bundle: each is read once, hashed, and what is handed out are the very bytes that were hashed. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import type { CheckedBlobs } from "./blobs.ts";
import { digestOfBytes } from "./digest.ts";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
  refName,
} from "./manifests.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/** A manifest, and its bytes. */
export interface TreeManifest {
  readonly manifest: Manifest;
  readonly text: Buffer;
}

export interface Tree {
  readonly index: Manifest;
  /** sha256 -> each manifest that the index reaches and that is what it must be. */
  readonly manifests: ReadonlyMap<string, TreeManifest>;
  /** sha256 -> everything that the index reaches, as the first one describes it that names it. */
  readonly named: ReadonlyMap<string, Named>;
}

export interface Named {
  readonly descriptor: Descriptor;
  /** What people call the one that names it: a tag, or `index.json`. */
  readonly owner: string;
}

export interface ReadTree {
  readonly tree: Tree;
  /** sha256 of manifests that are there and are not what they must be; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  /** E_BUNDLE_DIGEST */
  readonly problems: readonly Problem[];
}

/** Walks from the index down. What is not there is left to {@link unmetProblems}. */
export async function readTree(directory: string, index: Manifest): Promise<ReadTree> {
  const manifests = new Map<string, TreeManifest>();
  const named = new Map<string, Named>();
  const broken = new Set<string>();
  const problems: Problem[] = [];
  const waiting: Named[] = (index.manifests ?? []).map((descriptor) => ({
    descriptor,
    owner: descriptor.annotations?.[refName] ?? inside.index,
  }));
  let bytes = 0;
  // Grows while it is walked.
  for (const next of waiting) {
    const { descriptor, owner } = next;
    const hex = hexOf(descriptor.digest);
    const first = named.get(hex);
    if (first === undefined) named.set(hex, next);
    else if (first.descriptor.size !== descriptor.size)
      problems.push(
        differs(directory, descriptor, `${first.descriptor.size} bytes, as another one names it`),
      );
    if (!isManifest(descriptor) || manifests.has(hex) || broken.has(hex)) continue;
    bytes += descriptor.size;
    if (bytes > limits.manifests || manifests.size >= limits.manifestCount) {
      problems.push(tooMany(directory));
      break;
    }
    const read = await readOne(directory, descriptor);
    if (read === undefined) continue;
    if ("code" in read) {
      problems.push(read);
      broken.add(hex);
      continue;
    }
    manifests.set(hex, read);
    for (const descriptorOfChild of children(read.manifest))
      waiting.push({ descriptor: descriptorOfChild, owner });
  }
  return { tree: { index, manifests, named }, broken, problems };
}

/** A manifest and everything that it reaches, itself too: sha256 -> bytes. */
export function blobsBelow(tree: Tree, top: string): ReadonlyMap<string, number> {
  const seen = new Set([top]);
  // Grows while it is walked.
  for (const hex of seen)
    for (const { digest } of children(tree.manifests.get(hex)?.manifest ?? {})) seen.add(hexOf(digest));
  return new Map([...seen].map((hex) => [hex, tree.named.get(hex)?.descriptor.size ?? 0]));
}

/** @returns undefined when there is no such file. */
async function readOne(
  directory: string,
  descriptor: Descriptor,
): Promise<TreeManifest | Problem | undefined> {
  const { digest, size, mediaType } = descriptor;
  const path = join(directory, inside.blobs, hexOf(digest));
  try {
    const text = await readRegular(path, Math.min(limits.manifest, size), "refuse");
    const { bytes, sha256 } = digestOfBytes(text);
    if (sha256 !== hexOf(digest))
      return notItsName(directory, hexOf(digest), `${bytes} bytes, sha256 ${sha256}`);
    if (bytes !== size) return differs(directory, descriptor, `${bytes} bytes`);
    return { manifest: parseManifest(text, mediaType), text };
  } catch (error) {
    if (error instanceof NoManifest) return notItsName(directory, hexOf(digest), error.message, "a manifest");
    if (!(error instanceof UnusableFile)) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      if (!(error instanceof Error)) throw error;
    }
    return notItsName(directory, hexOf(digest), error.message);
  }
}

/** What the index reaches and is not there in its full length, and what is there and nothing reaches. */
export function unmetProblems(
  directory: string,
  { tree, broken }: ReadTree,
  blobs: CheckedBlobs,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [hex, { descriptor, owner }] of tree.named) {
    const bytes = blobs.found.get(hex);
    const unread = isManifest(descriptor) && !tree.manifests.has(hex) && !broken.has(hex);
    if (bytes === undefined || unread) {
      if (!blobs.broken.has(hex)) problems.push(absent(directory, descriptor, owner));
    } else if (bytes !== descriptor.size) problems.push(differs(directory, descriptor, `${bytes} bytes`));
  }
  // Below a broken or absent manifest nothing is reached; what hangs there is not to blame.
  const whole = problems.length === 0 && blobs.broken.size === 0 && broken.size === 0;
  const strangers = whole ? [...blobs.found.keys()].filter((hex) => !tree.named.has(hex)) : [];
  return [...problems, ...strangers.map((hex) => stranger(directory, hex))];
}

const todo = "copy the bundle again";

function absent(directory: string, { digest, size }: Descriptor, owner: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_INCOMPLETE",
    subject: owner,
    got: "no blob",
    expected: `${digest} (${size} bytes)`,
    todo,
  };
}

function differs(directory: string, { digest, size }: Descriptor, got: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_DIGEST",
    subject: digest,
    got,
    expected: `${size} bytes`,
    todo,
  };
}

/** The same words as of every other blob. */
export function notItsName(
  directory: string,
  hex: string,
  got: string,
  expected = "the sha256 of its name",
): Problem {
  return { where: join(directory, inside.blobs), code: "E_BUNDLE_DIGEST", subject: hex, got, expected, todo };
}

function tooMany(directory: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_DIGEST",
    subject: "manifests",
    got: `more than ${limits.manifestCount}, or than ${limits.manifests} bytes of them`,
    expected: "as many as a bundle has",
    todo: "ask who built it",
  };
}

function stranger(directory: string, hex: string): Problem {
  return {
    where: join(directory, inside.blobs),
    code: "E_BUNDLE_DIGEST",
    subject: hex,
    got: "a blob that nothing in the signed bundle names",
    expected: "only what was signed",
    todo: "remove it, or copy the bundle again",
  };
}
