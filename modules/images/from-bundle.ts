/** The images of a host in a verified bundle, as they are sent to a host without a registry. */
import type { Bundle } from "../../offline-bundle/oci/layout.ts";
import { type Descriptor, hexOf, isManifest, parts } from "../../offline-bundle/oci/manifests.ts";
import type { HostFiles, HostImage, SentImage } from "../core/host/blob.ts";
import type { HostSpec } from "../core/site/site-spec.ts";

type Content = Pick<Bundle, "tree" | "blobPath">;

/** The same files, with the content of images that have to be sent. */
export function withImageContent(
  files: HostFiles,
  { registry, architecture }: HostSpec,
  bundle: Content,
): HostFiles {
  if (registry !== undefined) return files;
  const filled = (images: readonly HostImage[]): readonly HostImage[] =>
    images.map((image) => ({ ...image, content: imageContent(image.sha256, architecture, bundle) }));
  const { images, otherImages } = files;
  return {
    ...files,
    ...(images === undefined ? {} : { images: filled(images) }),
    ...(otherImages === undefined ? {} : { otherImages: filled(otherImages) }),
  };
}

/**
 * The manifest or index of the lock, and everything below it except what another platform needs: engines load an index without those
 * parts and keep its digest.
 */
function imageContent(sha256: string, architecture: string, { tree, blobPath }: Content): SentImage {
  const top = tree.named.get(sha256)?.descriptor;
  const sizes = new Map([[sha256, top?.size ?? 0]]);
  // Grows during the loop.
  for (const hex of sizes.keys())
    for (const part of parts(tree.manifests.get(hex)?.manifest ?? {}))
      if (!isOtherPlatform(part, architecture)) sizes.set(hexOf(part.digest), part.size);
  return {
    mediaType: top?.mediaType ?? "",
    bytes: top?.size ?? 0,
    blobs: [...sizes].map(([hex, bytes]) => ({ sha256: hex, bytes, path: blobPath(hex) })),
  };
}

/** Attestations have the platform "unknown": no engine needs them to run the image. */
function isOtherPlatform(part: Descriptor, architecture: string): boolean {
  const { platform } = part;
  return (
    isManifest(part) &&
    platform !== undefined &&
    (platform.os !== "linux" || platform.architecture !== architecture)
  );
}
