/** Tags come from the index, but people review the lock: each tag must point to what the lock pins. */
import { join } from "node:path";
import type { Problem } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { composeArtifact } from "./compose-artifact.ts";
import { inside } from "../io/inside.ts";
import type { Lock } from "../spec/lock-file.ts";
import { hexOf, refName } from "./manifests.ts";
import { repositoryOf } from "../spec/oci-reference.ts";
import type { Tree } from "./check-layout.ts";
import { manifestsBelow } from "./walk.ts";
import { fileRef } from "../spec/bundle-spec.ts";

/** The tag of a manifest below an image, so that no garbage collector removes the manifest. */
export function partTag(name: string, digest: string): string {
  return `${repositoryOf(name)}:part-${hexOf(digest).slice(0, 16)}`;
}

/**
 * @returns E_BUNDLE_DIGEST for every tag of the index that is not in the lock, or that points to other bytes than the lock pins.
 * Unreadable content is reported elsewhere.
 */
export function tagProblems(directory: string, lock: Lock, tree: Tree): readonly Problem[] {
  const { index, manifests } = tree;
  const apps = lock.files.flatMap((file) => composeArtifact(file, lock) ?? []);
  const images = new Map([
    ...lock.images.flatMap((image) => [[image.name, image.digest] as const, ...partsOf(image, tree)]),
    ...apps.map(({ ref, manifest }) => [ref, `sha256:${digestOfBytes(manifest).sha256}`] as const),
  ]);
  const files = new Map(lock.files.map((file) => [fileRef(file), `sha256:${file.sha256}`]));
  return (index.manifests ?? []).flatMap(({ annotations, digest }) => {
    const tag = annotations?.[refName] ?? "";
    const file = files.get(tag);
    const layers = manifests.get(hexOf(digest))?.manifest.layers;
    if (file !== undefined && layers === undefined && !manifests.has(hexOf(digest))) return [];
    const [expected, found] =
      file === undefined
        ? [images.get(tag), digest]
        : [file, layers?.map((layer) => layer.digest).join(" ") ?? digest];
    if (expected === found) return [];
    return [
      {
        where: join(directory, inside.index),
        code: "E_BUNDLE_DIGEST",
        subject: tag,
        found,
        expected:
          expected === undefined
            ? "no tag of this name: the lock does not list it"
            : `${expected}, as pinned in the lock`,
        fix: "do not use this bundle; ask the person who built it: a build writes the tags of the lock",
      },
    ];
  });
}

function partsOf({ name, digest }: Lock["images"][number], tree: Tree): (readonly [string, string])[] {
  return manifestsBelow(tree, hexOf(digest))
    .filter((part) => part.digest !== digest)
    .map((part) => [partTag(name, part.digest), part.digest]);
}
