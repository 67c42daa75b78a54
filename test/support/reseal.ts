import { readIndex, refName } from "../../offline-bundle/manifests.ts";
import type { Lock } from "../../offline-bundle/lock-file.ts";
import { sealBundle } from "../../offline-bundle/seal.ts";

/** Seals a bundle that a test has changed, with the tags of its index as they are by now, and leaves its signatures alone. */
export async function reseal(directory: string, lock: Lock): Promise<void> {
  const { manifests = [] } = await readIndex(directory);
  const tags = manifests.map(({ annotations, ...descriptor }) => ({
    ref: annotations?.[refName] ?? "",
    descriptor,
  }));
  await sealBundle(directory, lock, tags);
}
