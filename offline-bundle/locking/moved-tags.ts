/** Tags that have moved to another digest since they were pinned. */
import type { Problem } from "../../modules/core/errors.ts";
import { firstMirror } from "../spec/mirrors.ts";
import type { Lock } from "../spec/lock-file.ts";
import { resolveOci } from "../fetching/oci-file.ts";
import { isOci, isTag, referenceOf, referencesOf } from "../spec/oci-reference.ts";
import { inParallel } from "../io/parallel.ts";
import { label, type BundleSpec } from "../spec/bundle-spec.ts";

export interface MovedTags {
  /** E_TAG_MOVED, one per tag. */
  readonly moved: readonly Problem[];
  /** E_DOWNLOAD: registries that could not be reached. */
  readonly unknown: readonly Problem[];
}

/** Asks the registries, four at a time. @throws {SealiftError} E_TOOL without oras. */
export async function movedTags(
  lock: Lock,
  { mirrors, images }: Pick<BundleSpec, "mirrors" | "images">,
): Promise<MovedTags> {
  // Where bundle.yaml gives the digest, the tag is only a label.
  const named = images.filter(({ digest }) => digest !== undefined).map(({ name }) => name);
  const pinnedTags = tagsOf(lock).filter(({ item }) => !named.includes(item));
  const { values, problems } = await inParallel(pinnedTags, 4, async (tag) => {
    const digest = await firstMirror(referencesOf(tag.reference, mirrors), resolveOci);
    return digest === tag.digest ? [] : [problemOf(tag, digest)];
  });
  return { moved: values.flat(), unknown: problems };
}

interface Tag {
  /** Name for messages. */
  readonly item: string;
  /** What `lock --update` takes. */
  readonly name: string;
  readonly reference: string;
  /** The pinned digest. */
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

function problemOf({ item, name, reference, digest }: Tag, found: string): Problem {
  return {
    where: reference,
    code: "E_TAG_MOVED",
    subject: item,
    found,
    expected: `${digest}, as pinned in the lock`,
    fix: `keep the pinned digest, or pin the new one: sealift bundle lock --update ${name}`,
  };
}
