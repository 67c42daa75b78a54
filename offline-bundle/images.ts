/** Container images: from a tag to a digest, and by digest into the bundle. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { SealiftError } from "../modules/core/errors.ts";
import { computedHere, type LockedImage } from "./lock-file.ts";
import { children, type Descriptor, isManifest, type Manifest, readManifest } from "./manifests.ts";
import { oras } from "./oras.ts";
import { locateUrl, type WantedImage } from "./want.ts";

/**
 * Resolves an image to the digest that its tag stands for. An image of a registry that has a pin keeps it, whatever its
 * tag stands for today; one in a local layout has to match its pin.
 *
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had, E_PIN when a local layout holds something else.
 */
export async function lockImage(
  image: WantedImage,
  pin: LockedImage | undefined,
  bundleFile: string,
): Promise<{ readonly pin: LockedImage; readonly change: "added" | "checked" | "kept" }> {
  const layout = layoutOf(image, bundleFile);
  if (pin !== undefined && layout === undefined && pin.from === undefined) return { pin, change: "kept" };
  const place = layout === undefined ? [] : ["--oci-layout-path", layout];
  const directory = layout ?? dirname(bundleFile);
  const digest = await oras(["resolve", ...place, image.name], directory, "E_DOWNLOAD");
  if (pin !== undefined && pin.digest !== digest) throw changed(image.name, digest, pin.digest);
  const text = await oras(["manifest", "fetch", ...place, image.name], directory, "E_DOWNLOAD");
  const platforms = await platformsOf(JSON.parse(text) as Manifest, [...place, image.name], directory);
  const sources = pin?.sources ?? [computedHere];
  return { pin: { ...image, digest, platforms, sources }, change: pin === undefined ? "added" : "checked" };
}

/**
 * Copies an image by its digest into a layout and tags it, and every manifest below it: a manifest without a tag is what
 * garbage collectors take.
 */
export async function copyImage(image: LockedImage, bundleFile: string, directory: string): Promise<void> {
  const layout = layoutOf(image, bundleFile);
  const source =
    layout === undefined
      ? [`${repository(image.name)}@${image.digest}`]
      : ["--from-oci-layout", `${layout}@${image.digest}`];
  const target = ["--to-oci-layout-path", ".", image.name];
  await oras(["copy", "--no-tty", ...source, ...target], directory, "E_DOWNLOAD");
  for (const { digest } of children(await readManifest(directory, image.digest)).filter(isManifest)) {
    const tag = `${repository(image.name)}:part-${digest.slice("sha256:".length, "sha256:".length + 16)}`;
    await oras(["tag", "--oci-layout", `.@${digest}`, tag], directory);
  }
}

/** Bytes that an image takes in a layout: all of its manifests and everything they name, each once. */
export async function imageBytes(image: LockedImage, bundleFile: string): Promise<number> {
  const layout = layoutOf(image, bundleFile);
  const read = async (digest: string): Promise<Manifest> => {
    // What a layout does not hold is told when it is to be copied.
    if (layout !== undefined) return readManifest(layout, digest).catch(() => ({}));
    const reference = `${repository(image.name)}@${digest}`;
    const text = await oras(["manifest", "fetch", reference], dirname(bundleFile), "E_DOWNLOAD");
    return JSON.parse(text) as Manifest;
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

function layoutOf({ from }: WantedImage, bundleFile: string): string | undefined {
  return from === undefined ? undefined : fileURLToPath(locateUrl(from, bundleFile));
}

/** The name without its tag. */
export function repository(name: string): string {
  return name.replace(/:[^:/]*$/, "");
}

/** An index lists its platforms; a single image has its own in its config. */
async function platformsOf(
  manifest: Manifest,
  place: readonly string[],
  directory: string,
): Promise<readonly string[]> {
  if (manifest.manifests !== undefined) {
    // Attestations carry the platform unknown/unknown.
    return manifest.manifests.flatMap(({ platform }) =>
      platform === undefined || platform.os === "unknown" ? [] : [nameOf(platform)],
    );
  }
  const text = await oras(["manifest", "fetch-config", ...place], directory, "E_DOWNLOAD");
  return [nameOf(JSON.parse(text) as NonNullable<Descriptor["platform"]>)];
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
      todo: "put the right image back, or remove its entry from the lock and run: sealift bundle lock",
    },
  ]);
}
