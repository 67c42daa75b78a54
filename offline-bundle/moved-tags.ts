/** Tags that have come to stand for something else since they were pinned. */
import type { Problem } from "../modules/core/errors.ts";
import { firstPlace } from "./first-place.ts";
import type { Lock } from "./lock-file.ts";
import { resolveOci } from "./oci-file.ts";
import { isOci, isTag, referenceOf, referencesOf } from "./oci-reference.ts";
import { inParallel } from "./parallel.ts";
import { label, type Want } from "./want.ts";

export interface MovedTags {
  /** E_TAG_MOVED, one a tag. */
  readonly moved: readonly Problem[];
  /** E_DOWNLOAD: where nobody could be asked. */
  readonly unknown: readonly Problem[];
}

/** Asks the registries, four at a time. @throws {SealiftError} E_TOOL when there is no oras. */
export async function movedTags(
  lock: Lock,
  { mirrors, images }: Pick<Want, "mirrors" | "images">,
): Promise<MovedTags> {
  // Where a person has written the digest, the tag is a label.
  const named = images.filter(({ digest }) => digest !== undefined).map(({ name }) => name);
  const asked = tagsOf(lock).filter(({ item }) => !named.includes(item));
  const { values, problems } = await inParallel(asked, 4, async (tag) => {
    const digest = await firstPlace(referencesOf(tag.reference, mirrors), resolveOci);
    return digest === tag.digest ? [] : [problemOf(tag, digest)];
  });
  return { moved: values.flat(), unknown: problems };
}

interface Tag {
  /** How a person calls it. */
  readonly item: string;
  /** What `lock --update` takes. */
  readonly name: string;
  readonly reference: string;
  /** What the lock says that it stands for. */
  readonly digest: string;
}

function tagsOf(lock: Lock): readonly Tag[] {
  const images = lock.images.flatMap(({ name, from, digest }) =>
    from === undefined ? [{ item: name, name, reference: name, digest }] : [],
  );
  const files = lock.files.flatMap((file) => {
    const reference = referenceOf(file.url);
    if (!isOci(file.url) || !isTag(reference) || file.manifest === undefined) return [];
    return [{ item: label(file), name: file.name, reference, digest: file.manifest }];
  });
  return [...images, ...files];
}

function problemOf({ item, name, reference, digest }: Tag, got: string): Problem {
  return {
    where: reference,
    code: "E_TAG_MOVED",
    subject: item,
    got,
    expected: `${digest}, as the lock pins it`,
    todo: `build with what is pinned, or take the new one: sealift bundle lock --update ${name}`,
  };
}
