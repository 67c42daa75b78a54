/** Index and manifests of a bundle: each is read once and hashed, and callers get exactly the hashed bytes. */
import { join } from "node:path";
import type { Problem } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { inside } from "../io/inside.ts";
import { limits } from "../io/limits.ts";
import { type Descriptor, hexOf, type Manifest, NoManifest, parseManifest, refName } from "./manifests.ts";
import { printable } from "../io/printable.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";
import { type Graph, type TreeManifest, walk } from "./walk.ts";

export interface Tree extends Graph {
  readonly index: Manifest;
}

export interface ReadTree {
  readonly tree: Tree;
  /** sha256 of manifests that exist and are invalid; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  /** E_BUNDLE_DIGEST */
  readonly problems: readonly Problem[];
}

/** Walks from the index down. Missing blobs are left to {@link unmetProblems}. */
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
        differs(directory, descriptor, `another descriptor gives ${first.size} bytes`),
      otherType: ({ digest, mediaType }, first) =>
        notItsName(
          directory,
          hexOf(digest),
          `two media types, ${printable(first.mediaType)} and ${printable(mediaType)}`,
          "one media type",
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

const fix = "copy the bundle again";

export function differs(directory: string, { digest, size }: Descriptor, found: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_DIGEST",
    subject: digest,
    found,
    expected: `${size} bytes`,
    fix,
  };
}

/** Worded as for every other blob. */
export function notItsName(
  directory: string,
  hex: string,
  found: string,
  expected = "the sha256 in its name",
): Problem {
  return {
    where: join(directory, inside.blobs),
    code: "E_BUNDLE_DIGEST",
    subject: hex,
    found,
    expected,
    fix,
  };
}

function tooMany(directory: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_DIGEST",
    subject: "manifests",
    found: `more than ${limits.manifestCount} manifests, or more than ${limits.manifests} bytes`,
    expected: "no more manifests than a bundle can have",
    fix: "ask the person who built the bundle",
  };
}
