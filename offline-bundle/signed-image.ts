/** Whether an image's owner has signed its digest: asked once from this machine, and noted in the store. */
import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeWhole } from "../modules/core/write-whole.ts";
import { type ImageKey, verifyImageSignature } from "./image-signature.ts";
import { hexOf } from "./manifests.ts";
import type { Sources } from "./obtain-file.ts";

/**
 * @param digest `sha256:…` of the image.
 * @throws {SealiftError} what {@link verifyImageSignature} throws, when the store has no note.
 */
export async function signedImage(
  name: string,
  digest: string,
  key: ImageKey,
  sources: Sources,
): Promise<void> {
  const note = noteOf(digest, key, sources.store);
  if (await exists(note)) return;
  await verifyImageSignature(name, digest, key, sources);
  await mkdir(dirname(note), { recursive: true });
  await writeWhole(note, "");
}

/** Says by its name what was verified by which key: `<store>/signed/<digest>/<key>`. */
function noteOf(digest: string, { fingerprint }: ImageKey, store: string): string {
  return join(store, "signed", hexOf(digest), hexOf(fingerprint));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
