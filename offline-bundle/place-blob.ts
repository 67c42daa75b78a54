import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { type Links, openRegular } from "./regular-file.ts";

/**
 * Copies a file among the blobs of a layout, under the sha256 of its pin, and hashes what it writes: the file was checked
 * when it was looked for, but nobody knows what has happened to it since.
 *
 * @param pin the sha256 that is pinned. @param links whether `path` may be one. Default "follow".
 * @param blobs folder of the blobs; has no blob of that name yet.
 * @returns its length.
 * @throws {SealiftError} E_PIN when the bytes are others than the pinned ones; nothing of them stays.
 */
export async function placeBlob(
  pin: string,
  path: string,
  blobs: string,
  links: Links = "follow",
): Promise<number> {
  const hash = createHash("sha256");
  const target = join(blobs, pin);
  let bytes = 0;
  const source = await openRegular(path, links);
  try {
    const blob = await open(target, "wx", blobMode);
    try {
      const { size } = await source.stat();
      const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(readSizeBytes, size)));
      for (;;) {
        const { bytesRead } = await source.read(buffer);
        if (bytesRead === 0) break;
        const piece = buffer.subarray(0, bytesRead);
        const writing = blob.writeFile(piece);
        hash.update(piece);
        bytes += bytesRead;
        await writing;
      }
    } finally {
      await blob.close();
    }
  } finally {
    await source.close();
  }
  const sha256 = hash.digest("hex");
  if (sha256 === pin) return bytes;
  await rm(target);
  throw changedMeanwhile(path, sha256, pin);
}

/** As oras writes them. */
export const blobMode = 0o444;
const readSizeBytes = 1024 * 1024;

/** A file is not what it was when it was checked. */
function changedMeanwhile(path: string, got: string, pin: string): SealiftError {
  return new SealiftError([
    {
      where: path,
      code: "E_PIN",
      subject: "sha256",
      got,
      expected: pin,
      todo: "the file changed while it was read: run it again",
    },
  ]);
}
