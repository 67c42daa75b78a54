/** Index and manifests of a bundle: each is read once, hashed, and what is handed out are the very bytes that were hashed. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import type { CheckedBlobs } from "./blobs.ts";
import { digestOfBytes } from "./digest.ts";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import {
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
  refName,
} from "./manifests.ts";
import { printable } from "./printable.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";
import { type Graph, type TreeManifest, walk } from "./walk.ts";

export interface Tree extends Graph {
  readonly index: Manifest;
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
  const roots = (index.manifests ?? []).map((descriptor) => ({
    descriptor,
    owner: descriptor.annotations?.[refName] ?? inside.index,
  }));
  const { manifests, named, broken, problems } = await walk(
    roots,
    ({ descriptor }) => readOne(directory, descriptor),
    {
      otherLength: (descriptor, first) =>
        differs(directory, descriptor, `${first.size} bytes, as another one names it`),
      otherType: ({ digest, mediaType }, first) =>
        notItsName(
          directory,
          hexOf(digest),
          `the media types ${printable(first.mediaType)} and ${printable(mediaType)}`,
          "one of them",
        ),
      tooMany: () => tooMany(directory),
    },
  );
  return { tree: { index, manifests, named }, broken, problems };
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
