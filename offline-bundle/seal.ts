/** Closes a bundle that has been filled: one order for the index, and the text that gets signed. */
import { join } from "node:path";
import { writeWhole } from "../modules/core/write-whole.ts";
import { digestOf } from "./digest.ts";
import type { Tagged } from "./images.ts";
import { bundleFormat, inside, markerText, type Seal } from "./layout.ts";
import type { Lock } from "./lock-file.ts";
import { refName } from "./manifests.ts";

/**
 * Writes oci-layout, index.json and sealift.json; the same content gives the same bytes.
 *
 * @param tags everything that the index is to list.
 */
export async function sealBundle(directory: string, lock: Lock, tags: readonly Tagged[]): Promise<Seal> {
  await writeWhole(join(directory, inside.marker), markerText);
  // Only what an index must say: an image that came with other annotations is the same image.
  const manifests = tags
    .map(({ ref, descriptor: { mediaType, digest, size } }) => ({
      ...{ mediaType, digest, size },
      annotations: { [refName]: ref },
    }))
    .sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  await writeWhole(join(directory, inside.index), JSON.stringify(index));
  const seal: Seal = {
    format: bundleFormat,
    serial: lock.serial,
    platforms: lock.platforms,
    ...(lock.expires === undefined ? {} : { expires: lock.expires }),
    lock: await digestOf(join(directory, inside.lock)),
    index: await digestOf(join(directory, inside.index)),
    manifests: manifests.map((manifest) => ({ ref: refOf(manifest), digest: manifest.digest })),
  };
  await writeWhole(join(directory, inside.seal), `${JSON.stringify(seal, undefined, 2)}\n`);
  return seal;
}

function refOf({ annotations }: { readonly annotations: Readonly<Record<string, string>> }): string {
  return annotations[refName] ?? "";
}
