import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { type Links, openRegular } from "../io/regular-file.ts";

/**
 * Copies a file into the blobs of a layout, under its pinned sha256, and hashes what it writes: the file was checked earlier, but
 * may have changed since.
 *
 * @param pin the pinned sha256.
 * @param links whether `path` may be a link. Default "follow".
 * @param blobs folder of the blobs; has no blob of that name yet.
 * @returns its length.
 * @throws {SealiftError} E_PIN_MISMATCH when the bytes differ from the pin; the copy is removed.
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

/** The mode that oras uses. */
export const blobMode = 0o444;
const readSizeBytes = 1024 * 1024;

/** The problem of a file that changed after it was checked. */
function changedMeanwhile(path: string, found: string, pin: string): SealiftError {
  return new SealiftError([
    {
      where: path,
      code: "E_PIN_MISMATCH",
      subject: "sha256",
      found,
      expected: pin,
      fix: "the file changed while it was read: run the command again",
    },
  ]);
}
