/** Container images: from a tag to a digest, and by digest into the bundle. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { firstPlace } from "./first-place.ts";
import { contentBytes, type ImageContent, imageContent } from "./image-content.ts";
import { readImageKey } from "./image-signature.ts";
import { type ImageSource, layoutSource, registrySource } from "./image-source.ts";
import { inside } from "./inside.ts";
import { digestInLayout, imageLayout } from "./layout-image.ts";
import { computedHere, type LockedImage } from "./lock-file.ts";
import { partTag } from "./lock-tags.ts";
import { digestAt } from "./manifest-at.ts";
import { type Descriptor, hexOf } from "./manifests.ts";
import type { Sources } from "./obtain-file.ts";
import { storedImage } from "./obtain-image.ts";
import { referencesOf, repositoryOf } from "./oci-reference.ts";
import { inParallel } from "./parallel.ts";
import { placeBlob } from "./place-blob.ts";
import { signedImage } from "./signed-image.ts";
import { isUnreachable } from "./vouching.ts";
import { manifestsBelow } from "./walk.ts";
import type { WantedImage } from "./want.ts";

export interface LockedOne {
  readonly pin: LockedImage;
  readonly change: "added" | "checked" | "filled" | "kept" | "unseen" | "updated";
}

/**
 * Resolves an image to the digest that its tag stands for. An image of a registry that has a pin keeps it, whatever its
 * tag stands for today; one in a local layout has to match its pin. Where bundle.yaml names a key, the digest has to be signed by it.
 *
 * @param check a signature that the lock names is refused when nobody can be asked for it, unless somebody was asked from this machine.
 * @throws {SealiftError} E_IMAGE when it stands for something that no bundle carries; E_DOWNLOAD when it cannot be had, E_PIN when a
 * local layout holds something else; E_IMAGE_SIGNATURE, E_VALUE of a key or layout.
 */
export async function lockImage(
  image: WantedImage,
  old: LockedImage | undefined,
  check: boolean,
  sources: Sources,
): Promise<LockedOne> {
  const { pin, change } = await pinned(image, old, sources);
  const { signedBy, ...rest } = pin;
  if (image.cosign === undefined) return { pin: rest, change };
  const key = await readImageKey(image.cosign, sources.bundleFile);
  const before = signedBy === key.fingerprint;
  try {
    // Also of a key that the lock names already: whoever may write the lock may have written that.
    await signedImage(image.name, pin.digest, key, sources);
  } catch (error) {
    // A build asks again.
    if (before && !check && isUnreachable(error)) return { pin, change: "unseen" };
    throw error;
  }
  if (before) return { pin, change };
  return { pin: { ...pin, signedBy: key.fingerprint }, change: change === "kept" ? "filled" : change };
}

async function pinned(
  image: WantedImage,
  pin: LockedImage | undefined,
  { bundleFile, mirrors, warn }: Sources,
): Promise<LockedOne> {
  const layout = await imageLayout(image, bundleFile);
  const { digest: named } = image;
  // A digest in bundle.yaml is a person's word, and goes over the lock's.
  const standing = named === undefined || named === pin?.digest ? pin : undefined;
  // Of an old lock that could not be read whole, its digest is what counts.
  const whole = standing !== undefined && standing.platforms.length > 0;
  if (whole && layout === undefined && standing.from === undefined) return { pin: standing, change: "kept" };
  const wanted = standing === undefined || whole ? image : { ...image, digest: standing.digest };
  const found =
    layout === undefined
      ? await firstPlace(referencesOf(image.name, mirrors), (place) => resolve(wanted, place), warn)
      : await pinOf(wanted, await digestInLayout(wanted, layout), layoutSource(layout));
  if (standing !== undefined && standing.digest !== found.digest)
    throw changed(image.name, found.digest, standing.digest);
  return {
    pin: { ...found, sources: standing?.sources ?? found.sources },
    change: pin === undefined ? "added" : standing === undefined ? "updated" : whole ? "checked" : "filled",
  };
}

/** By digest from here on: the tag may move between two questions. */
async function resolve(image: WantedImage, place: string): Promise<LockedImage> {
  return pinOf(image, image.digest ?? (await digestAt(place)), registrySource(repositoryOf(place)));
}

async function pinOf(image: WantedImage, digest: string, source: ImageSource): Promise<LockedImage> {
  const { platforms } = await imageContent(image, digest, source);
  const { name, from } = image;
  return { name, ...(from === undefined ? {} : { from }), digest, platforms, sources: [computedHere] };
}

/** What the index of a layout lists, under which tag. */
export interface Tagged {
  readonly ref: string;
  readonly descriptor: Pick<Descriptor, "mediaType" | "digest" | "size">;
}

/**
 * Copies an image by its digest among the blobs of a layout, hashing what it writes. What is there already, of another image, stays.
 *
 * @param blobs folder of the blobs. @param obtain brings an image of a registry into the store, and gives its layout.
 * @returns its tag, and one for every manifest below it: a manifest without a tag is what garbage collectors take.
 * @throws {SealiftError} E_IMAGE, E_DOWNLOAD as {@link imageContent}; E_PIN for a blob with other bytes, and for other platforms than the lock
 * names.
 */
export async function placeImage(
  image: LockedImage,
  blobs: string,
  bundleFile: string,
  obtain: (image: LockedImage) => Promise<string>,
): Promise<readonly Tagged[]> {
  const layout = (await imageLayout(image, bundleFile)) ?? (await obtain(image));
  const content = await imageContent(image, image.digest, layoutSource(layout));
  if (!sameSet(content.platforms, image.platforms)) throw otherPlatforms(image, content);
  const { problems } = await inParallel([...content.named.keys()], blobsAtOnce, async (hex) => {
    if (!existsSync(join(blobs, hex))) await placeBlob(hex, join(layout, inside.blobs, hex), blobs, "refuse");
  });
  refuse(problems);
  return manifestsBelow(content, hexOf(image.digest)).map((descriptor) => ({
    ref: descriptor.digest === image.digest ? image.name : partTag(image.name, descriptor.digest),
    descriptor,
  }));
}

/** One is read while another is hashed or written. */
const blobsAtOnce = 4;

/**
 * Bytes that an image takes in a layout: all of its manifests and everything they name, each once.
 *
 * @throws {SealiftError} as {@link imageContent}: what cannot be packed is told before anything is.
 */
export async function imageBytes(
  image: LockedImage,
  { bundleFile, store, mirrors }: Sources,
): Promise<number> {
  const layout = (await imageLayout(image, bundleFile)) ?? (await storedImage(store, image.digest));
  if (layout !== undefined)
    return contentBytes(await imageContent(image, image.digest, layoutSource(layout)));
  return firstPlace(referencesOf(image.name, mirrors), async (place) =>
    contentBytes(await imageContent(image, image.digest, registrySource(repositoryOf(place)))),
  );
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.every((each) => other.includes(each)) && other.every((each) => one.includes(each));
}

/** People review the platforms of the lock, and nobody those of the digest. */
function otherPlatforms({ name, platforms }: LockedImage, content: ImageContent): SealiftError {
  return new SealiftError([
    {
      where: name,
      code: "E_PIN",
      subject: "platforms",
      got: content.platforms.join(", "),
      expected: `${platforms.join(", ")}, as the lock pins it`,
      todo: `run: sealift bundle lock --update ${name}, and review what changed`,
    },
  ]);
}

function changed(name: string, got: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: name,
      code: "E_PIN",
      subject: "digest",
      got,
      expected: `${expected}, as the lock pins it`,
      todo: `put the right image back, or run: sealift bundle lock --update ${name}`,
    },
  ]);
}
