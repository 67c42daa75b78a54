/** Container images: from a tag to a digest, and from a digest into the bundle. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { refuse, SealiftError } from "../../modules/core/errors.ts";
import { firstMirror } from "../spec/mirrors.ts";
import { contentBytes, type ImageContent, imageContent } from "./image-content.ts";
import { readImageKey } from "./image-signature.ts";
import { type ImageSource, layoutSource, registrySource } from "./image-source.ts";
import { inside } from "../io/inside.ts";
import { digestInLayout, imageLayout } from "./layout-image.ts";
import { selfComputed, type LockedImage } from "../spec/lock-file.ts";
import { partTag } from "../oci/lock-tags.ts";
import { digestAt } from "../oci/manifest-at.ts";
import { hexOf } from "../oci/manifests.ts";
import type { Sources } from "./fetch-file.ts";
import { storedImage } from "./fetch-image.ts";
import { referencesOf, repositoryOf } from "../spec/oci-reference.ts";
import { inParallel } from "../io/parallel.ts";
import { placeBlob } from "../oci/place-blob.ts";
import { signedImage } from "./signed-image.ts";
import { isUnreachable } from "../http/download-problem.ts";
import { manifestsBelow } from "../oci/walk.ts";
import type { ImageSpec } from "../spec/bundle-spec.ts";
import type { Tagged } from "../oci/write-manifest.ts";

export interface LockedImageResult {
  readonly pin: LockedImage;
  readonly change: "added" | "checked" | "filled" | "kept" | "unseen" | "updated";
}

/**
 * Resolves an image to the digest that its tag points to. An image from a registry with a pin keeps the pin, whatever its tag
 * points to now; an image in a local layout must match its pin. Where bundle.yaml names a key, the digest must be signed by it.
 *
 * @param check a signature that the lock records is refused when the registry cannot be reached, unless this machine verified it
 * before.
 * @throws {SealiftError} E_IMAGE when the content is not an image that a bundle can carry; E_DOWNLOAD when it cannot be fetched,
 * E_PIN_MISMATCH when a local layout holds something else; E_IMAGE_SIGNATURE, E_VALUE of a key or layout.
 */
export async function lockImage(
  image: ImageSpec,
  old: LockedImage | undefined,
  check: boolean,
  sources: Sources,
): Promise<LockedImageResult> {
  const { pin, change } = await pinned(image, old, sources);
  const { signedBy, ...rest } = pin;
  if (image.cosign === undefined) return { pin: rest, change };
  const key = await readImageKey(image.cosign, sources.bundleFile);
  const before = signedBy === key.fingerprint;
  try {
    // Also with the key that the lock records: a person who can write the lock could have written that record.
    await signedImage(image.name, pin.digest, key, sources);
  } catch (error) {
    // A build checks again.
    if (before && !check && isUnreachable(error)) return { pin, change: "unseen" };
    throw error;
  }
  if (before) return { pin, change };
  return { pin: { ...pin, signedBy: key.fingerprint }, change: change === "kept" ? "filled" : change };
}

async function pinned(
  image: ImageSpec,
  pin: LockedImage | undefined,
  { bundleFile, mirrors, warn }: Sources,
): Promise<LockedImageResult> {
  const layout = await imageLayout(image, bundleFile);
  const { digest: named } = image;
  // A digest in bundle.yaml is a person's decision and overrides the lock.
  const earlier = named === undefined || named === pin?.digest ? pin : undefined;
  // Of an old lock that is only partly readable, the digest is authoritative.
  const complete = earlier !== undefined && earlier.platforms.length > 0;
  if (complete && layout === undefined && earlier.from === undefined) return { pin: earlier, change: "kept" };
  const requested = earlier === undefined || complete ? image : { ...image, digest: earlier.digest };
  const found =
    layout === undefined
      ? await firstMirror(referencesOf(image.name, mirrors), (place) => resolve(requested, place), warn)
      : await pinOf(requested, await digestInLayout(requested, layout), layoutSource(layout));
  if (earlier !== undefined && earlier.digest !== found.digest)
    throw changed(image.name, found.digest, earlier.digest);
  return {
    pin: { ...found, sources: earlier?.sources ?? found.sources },
    change: pin === undefined ? "added" : earlier === undefined ? "updated" : complete ? "checked" : "filled",
  };
}

/** By digest from here on: the tag may move between two requests. */
async function resolve(image: ImageSpec, place: string): Promise<LockedImage> {
  return pinOf(image, image.digest ?? (await digestAt(place)), registrySource(repositoryOf(place)));
}

async function pinOf(image: ImageSpec, digest: string, source: ImageSource): Promise<LockedImage> {
  const { platforms } = await imageContent(image, digest, source);
  const { name, from } = image;
  return { name, ...(from === undefined ? {} : { from }), digest, platforms, sources: [selfComputed] };
}

/**
 * Copies an image by its digest into the blobs of a layout and hashes what it writes. Blobs that another image has already
 * written are kept.
 *
 * @param blobs folder of the blobs.
 * @param fetchImage fetches an image from a registry into the cache and returns its layout.
 * @returns its tag, and one tag for every manifest below it: garbage collectors remove untagged manifests.
 * @throws {SealiftError} E_IMAGE, E_DOWNLOAD as {@link imageContent}; E_PIN_MISMATCH for a blob with other bytes, and for other
 * platforms than the lock records.
 */
export async function placeImage(
  image: LockedImage,
  blobs: string,
  bundleFile: string,
  fetchImage: (image: LockedImage) => Promise<string>,
): Promise<readonly Tagged[]> {
  const layout = (await imageLayout(image, bundleFile)) ?? (await fetchImage(image));
  const content = await imageContent(image, image.digest, layoutSource(layout));
  if (!sameSet(content.platforms, image.platforms)) throw otherPlatforms(image, content);
  const { problems } = await inParallel([...content.named.keys()], blobConcurrency, async (hex) => {
    if (!existsSync(join(blobs, hex))) await placeBlob(hex, join(layout, inside.blobs, hex), blobs, "refuse");
  });
  refuse(problems);
  return manifestsBelow(content, hexOf(image.digest)).map((descriptor) => ({
    ref: descriptor.digest === image.digest ? image.name : partTag(image.name, descriptor.digest),
    descriptor,
  }));
}

/** One blob is read while another one is hashed or written. */
const blobConcurrency = 4;

/**
 * Bytes of an image in a layout: all of its manifests and everything they reference, each counted once.
 *
 * @throws {SealiftError} as {@link imageContent}: problems are reported before packing starts.
 */
export async function imageBytes(
  image: LockedImage,
  { bundleFile, store, mirrors }: Sources,
): Promise<number> {
  const layout = (await imageLayout(image, bundleFile)) ?? (await storedImage(store, image.digest));
  if (layout !== undefined)
    return contentBytes(await imageContent(image, image.digest, layoutSource(layout)));
  return firstMirror(referencesOf(image.name, mirrors), async (place) =>
    contentBytes(await imageContent(image, image.digest, registrySource(repositoryOf(place)))),
  );
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.every((each) => other.includes(each)) && other.every((each) => one.includes(each));
}

/** Reviewers see the platforms in the lock, not those behind the digest. */
function otherPlatforms({ name, platforms }: LockedImage, content: ImageContent): SealiftError {
  return new SealiftError([
    {
      where: name,
      code: "E_PIN_MISMATCH",
      subject: "platforms",
      found: content.platforms.join(", "),
      expected: `${platforms.join(", ")}, as pinned in the lock`,
      fix: `run: sealift bundle lock --update ${name}, and review the changes`,
    },
  ]);
}

function changed(name: string, found: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: name,
      code: "E_PIN_MISMATCH",
      subject: "digest",
      found,
      expected: `${expected}, as pinned in the lock`,
      fix: `restore the original image, or run: sealift bundle lock --update ${name}`,
    },
  ]);
}
