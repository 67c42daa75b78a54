/** The images that a host must hold, as a phase. */
import type { HostImage } from "../core/host/blob.ts";
import type { Phase } from "../core/host/step.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { imagesSteps } from "./steps.ts";

/** Pure: the phase of one host; undefined when the site names no image for it. */
export function imagesPhase(
  { registry }: Pick<HostSpec, "registry">,
  images: readonly HostImage[],
): Phase | undefined {
  if (images.length === 0) return undefined;
  return {
    name: "images",
    steps: imagesSteps({ images, ...(registry === undefined ? {} : { registry }) }),
  };
}
