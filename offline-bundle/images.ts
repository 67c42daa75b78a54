/** Container images: from a tag to a digest, and by digest into the bundle. */
import { SealiftError } from "../modules/core/errors.ts";
import { firstPlace } from "./first-place.ts";
import { readImageKey } from "./image-signature.ts";
import { signedImage } from "./signed-image.ts";
import { isUnreachable } from "./vouching.ts";
import { downloadFailed } from "./download-problem.ts";
import { isRecord, jsonOf } from "./json.ts";
import { localLayout, locateUrl } from "./local-source.ts";
import { limits } from "./limits.ts";
import { computedHere, type LockedImage } from "./lock-file.ts";
import { partTag } from "./lock-tags.ts";
import { digestAt, manifestAt, noManifest } from "./manifest-at.ts";
import { children, type Descriptor, isManifest, type Manifest, readManifest } from "./manifests.ts";
import type { Sources } from "./obtain-file.ts";
import { storedImage } from "./obtain-image.ts";
import { referencesOf, repositoryOf } from "./oci-reference.ts";
import { localMs, oras, orasBytes } from "./oras.ts";
import type { WantedImage } from "./want.ts";

export interface LockedOne {
  readonly pin: LockedImage;
  readonly change: "added" | "checked" | "filled" | "kept" | "unseen";
}

/**
 * Resolves an image to the digest that its tag stands for. An image of a registry that has a pin keeps it, whatever its
 * tag stands for today; one in a local layout has to match its pin. Where bundle.yaml names a key, the digest has to be signed by it.
 *
 * @param check a signature that the lock names is refused when nobody can be asked for it, unless somebody was asked from this machine.
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had, E_PIN when a local layout holds something else; E_IMAGE_SIGNATURE,
 * E_VALUE of a key.
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
  const layout = await layoutOf(image, bundleFile);
  if (pin !== undefined && layout === undefined && pin.from === undefined) return { pin, change: "kept" };
  const look = (place: string): Promise<LockedImage> => resolve(image, place, layout);
  const found =
    layout === undefined
      ? await firstPlace(referencesOf(image.name, mirrors), look, warn)
      : await look(image.name);
  if (pin !== undefined && pin.digest !== found.digest) throw changed(image.name, found.digest, pin.digest);
  return {
    pin: { ...found, sources: pin?.sources ?? found.sources },
    change: pin === undefined ? "added" : "checked",
  };
}

async function resolve(image: WantedImage, place: string, layout: string | undefined): Promise<LockedImage> {
  const flags = layout === undefined ? [] : ["--oci-layout-path", layout];
  const directory = layout ?? ".";
  const digest = await digestAt(place, flags, directory);
  // By digest from here on: the tag may move between two questions.
  const pinned = layout === undefined ? `${repositoryOf(place)}@${digest}` : place;
  const manifest = await manifestAt(pinned, flags, directory);
  const platforms = await platformsOf(manifest, pinned, flags, directory);
  const { name, from } = image;
  return { name, ...(from === undefined ? {} : { from }), digest, platforms, sources: [computedHere] };
}

/**
 * Copies an image by its digest into a layout and tags it, and every manifest below it: a manifest without a tag is what
 * garbage collectors take.
 *
 * @param obtain brings an image of a registry into the store, and gives its layout.
 */
export async function copyImage(
  image: LockedImage,
  directory: string,
  bundleFile: string,
  obtain: (image: LockedImage) => Promise<string>,
): Promise<void> {
  const layout = (await layoutOf(image, bundleFile)) ?? (await obtain(image));
  const flags = ["--from-oci-layout", "--to-oci-layout-path", "."];
  const names = [`${layout}@${image.digest}`, image.name];
  await oras(["copy", "--no-tty", ...flags], names, directory, { code: "E_DOWNLOAD", timeoutMs: localMs });
  for (const { digest } of children(await readManifest(directory, image.digest)).filter(isManifest)) {
    await oras(["tag", "--oci-layout"], [`.@${digest}`, partTag(image.name, digest)], directory);
  }
}

/** Bytes that an image takes in a layout: all of its manifests and everything they name, each once. */
export async function imageBytes(
  image: LockedImage,
  { bundleFile, store, mirrors }: Sources,
): Promise<number> {
  const layout = (await layoutOf(image, bundleFile)) ?? (await storedImage(store, image.digest));
  const read = async (digest: string): Promise<Manifest> => {
    // What a layout does not hold is told when it is to be copied.
    if (layout !== undefined) return readManifest(layout, digest).catch(() => ({}));
    return firstPlace(referencesOf(image.name, mirrors), (place) =>
      manifestAt(`${repositoryOf(place)}@${digest}`),
    );
  };
  const sizes = new Map<string, number>();
  const visit = async (digest: string): Promise<void> => {
    for (const child of children(await read(digest))) {
      if (sizes.has(child.digest)) continue;
      sizes.set(child.digest, child.size);
      if (isManifest(child)) await visit(child.digest);
    }
  };
  await visit(image.digest);
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml, E_DOWNLOAD when it is not there. */
async function layoutOf(
  { from }: Pick<WantedImage, "from">,
  bundleFile: string,
): Promise<string | undefined> {
  if (from === undefined) return undefined;
  return localLayout(from, bundleFile).catch((error: unknown) => {
    if (error instanceof SealiftError) throw error;
    throw downloadFailed(locateUrl(from, bundleFile), error);
  });
}

/** An index lists its platforms; a single image has its own in its config. */
async function platformsOf(
  manifest: Manifest,
  place: string,
  flags: readonly string[],
  directory: string,
): Promise<readonly string[]> {
  if (manifest.manifests !== undefined) {
    // Attestations carry the platform unknown/unknown.
    return manifest.manifests.flatMap(({ platform }) =>
      platform === undefined || platform.os === "unknown" ? [] : [nameOf(platform)],
    );
  }
  const options = { code: "E_DOWNLOAD", most: limits.manifest } as const;
  const config = jsonOf(await orasBytes(["manifest", "fetch-config", ...flags], [place], directory, options));
  const { os, architecture, variant } = isRecord(config) ? config : {};
  if (typeof os !== "string" || typeof architecture !== "string")
    throw noManifest(place, "a config without a platform");
  return [nameOf({ os, architecture, ...(typeof variant === "string" ? { variant } : {}) })];
}

function nameOf({ os, architecture, variant }: NonNullable<Descriptor["platform"]>): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
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
