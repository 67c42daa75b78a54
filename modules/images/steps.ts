/** The images of one host, as facts. Pure. */
import { endpoint } from "../core/endpoint.ts";
import type { HostImage } from "../core/host/blob.ts";
import type { Step } from "../core/host/step.ts";
import { placedName } from "../core/image-name.ts";
import type { RegistrySpec } from "../core/site/registry.ts";

export interface ImagesSpec {
  readonly images: readonly HostImage[];
  /** Absent: the images are sent over ssh and loaded. */
  readonly registry?: Pick<RegistrySpec, "name" | "port" | "prefix">;
}

/** One fact per image. A running container keeps the image that it was started from, so that none of them stops anything. */
export function imagesSteps({ images, registry }: ImagesSpec): readonly Step[] {
  return images.map((image) => ({
    code: `images.${image.name}`,
    fact: `image ${image.name} is present with digest sha256:${image.sha256} of the lock`,
    effect: "none",
    call: registry === undefined ? loadCall(image) : pullCall(image, registry),
  }));
}

/** By the registry's own name: an engine with the classic store can redirect no other registry than Docker Hub. */
function pullCall(
  { name, sha256 }: HostImage,
  { name: host, port, prefix }: NonNullable<ImagesSpec["registry"]>,
): Step["call"] {
  const repository = placedName(name).replace(/:[^:/]*$/, "");
  return ["image_pulled", name, sha256, `${endpoint(host, port)}/${prefix}${repository}`];
}

function loadCall({ name, sha256, content }: HostImage): Step["call"] {
  if (content === undefined) return ["image_loaded", name, sha256];
  const { mediaType, bytes, blobs } = content;
  return [
    "image_loaded",
    name,
    sha256,
    mediaType,
    String(bytes),
    ...blobs.map((blob) => `${blob.sha256}:${blob.bytes}`),
  ];
}
