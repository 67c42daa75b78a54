/** Closes a bundle that has been filled: one order for the index, and the text that gets signed. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../modules/core/write-whole.ts";
import { digestOf } from "./digest.ts";
import { bundleFormat, inside, markerText, type Seal } from "./layout.ts";
import type { Lock } from "./lock-file.ts";
import { readIndex, refName } from "./manifests.ts";

/** Writes oci-layout, index.json and sealift.json; the same content gives the same bytes. */
export async function sealBundle(directory: string, lock: Lock): Promise<Seal> {
  // oras keeps unfinished copies here.
  await rm(join(directory, "ingest"), { recursive: true, force: true });
  await writeWhole(join(directory, inside.marker), markerText);
  // oras lists manifests in no order and with changing annotations: only what an index must say is kept.
  const manifests = ((await readIndex(directory)).manifests ?? [])
    .flatMap(({ mediaType, digest, size, annotations }) => {
      const ref = annotations?.[refName];
      return ref === undefined ? [] : [{ mediaType, digest, size, annotations: { [refName]: ref } }];
    })
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
