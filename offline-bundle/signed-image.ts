/** Whether an image's owner has signed its digest: asked once from this machine, and noted in the store. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeWhole } from "../modules/core/write-whole.ts";
import { digestOfBytes, hexDigits } from "./digest.ts";
import { type ImageKey, otherName, verifyImageSignature } from "./image-signature.ts";
import { jsonOf } from "./json.ts";
import { hexOf } from "./manifests.ts";
import type { Sources } from "./obtain-file.ts";

/**
 * @param name full name with tag. @param digest `sha256:…` of the image.
 * @param sources told every time when its owner has signed it under other names only, also when nobody has to be asked any more.
 * @throws {SealiftError} what {@link verifyImageSignature} throws, when the store has no note.
 */
export async function signedImage(
  name: string,
  digest: string,
  key: ImageKey,
  sources: Sources,
): Promise<void> {
  const note = noteOf(name, digest, key, sources.store);
  const known = await noted(note);
  const others = known ?? (await verifyImageSignature(name, digest, key, sources));
  if (known === undefined) {
    await mkdir(dirname(note), { recursive: true });
    await writeWhole(note, JSON.stringify(others));
  }
  if (others.length > 0) sources.warn?.(otherName(name, others));
}

/** Says by its name what was verified, under which name, by which key: `<store>/signed/<digest>/<sha256 of name and key>`. */
function noteOf(name: string, digest: string, { fingerprint }: ImageKey, store: string): string {
  const { sha256 } = digestOfBytes(JSON.stringify({ name, fingerprint }));
  return join(store, "signed", hexDigits(hexOf(digest)), sha256);
}

/** The other names under which it is signed; undefined when nothing is noted. */
async function noted(path: string): Promise<readonly string[] | undefined> {
  const text = await readFile(path).catch(() => undefined);
  const value = text === undefined ? undefined : jsonOf(text);
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}
