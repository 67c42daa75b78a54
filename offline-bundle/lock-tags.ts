/** Tags come from the index, and people review the lock: each tag has to stand for what the lock says of it. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { inside } from "./inside.ts";
import type { Lock } from "./lock-file.ts";
import { hexOf, refName } from "./manifests.ts";
import { repositoryOf } from "./oci-reference.ts";
import type { Tree } from "./tree.ts";
import { manifestsBelow } from "./walk.ts";
import { fileRef } from "./want.ts";

/** The tag under which a manifest below an image stands in a layout, so that no garbage collector takes it. */
export function partTag(name: string, digest: string): string {
  return `${repositoryOf(name)}:part-${hexOf(digest).slice(0, 16)}`;
}

/**
 * @returns E_BUNDLE_DIGEST for every tag of the index that is none of the lock's, or that stands for other bytes than the lock pins. What
 * could not be read is told by others.
 */
export function tagProblems(directory: string, lock: Lock, tree: Tree): readonly Problem[] {
  const { index, manifests } = tree;
  const images = new Map(
    lock.images.flatMap((image) => [[image.name, image.digest], ...partsOf(image, tree)]),
  );
  const files = new Map(lock.files.map((file) => [fileRef(file), `sha256:${file.sha256}`]));
  return (index.manifests ?? []).flatMap(({ annotations, digest }) => {
    const tag = annotations?.[refName] ?? "";
    const file = files.get(tag);
    const layers = manifests.get(hexOf(digest))?.manifest.layers;
    if (file !== undefined && layers === undefined && !manifests.has(hexOf(digest))) return [];
    const [wanted, stands] =
      file === undefined
        ? [images.get(tag), digest]
        : [file, layers?.map((layer) => layer.digest).join(" ") ?? digest];
    if (wanted === stands) return [];
    return [
      {
        where: join(directory, inside.index),
        code: "E_BUNDLE_DIGEST",
        subject: tag,
        got: stands,
        expected:
          wanted === undefined
            ? "no such tag: the lock has nothing of this name"
            : `${wanted}, as the lock pins`,
        todo: "do not use this bundle: ask who built it, since a build writes what the lock says",
      },
    ];
  });
}

function partsOf({ name, digest }: Lock["images"][number], tree: Tree): (readonly [string, string])[] {
  return manifestsBelow(tree, hexOf(digest))
    .filter((part) => part.digest !== digest)
    .map((part) => [partTag(name, part.digest), part.digest]);
}
