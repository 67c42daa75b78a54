/** Length and sha256 of bytes. */
import { createHash } from "node:crypto";
import { SealiftError } from "../../modules/core/errors.ts";
import { piecesOf } from "./chunks.ts";
import { printable } from "./printable.ts";

/** The pin of a file: its length in bytes and its sha256 as 64 lower-case hex digits. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a file once and returns its length and sha256. @throws the error of the file system, such as ENOENT. */
export async function digestOf(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of piecesOf(path)) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** The same for bytes in memory. */
export function digestOfBytes(data: Uint8Array | string): Digest {
  return {
    bytes: Buffer.byteLength(data),
    sha256: createHash("sha256").update(data).digest("hex"),
  };
}

/**
 * Checks a sha256 that becomes part of a path.
 *
 * @throws {SealiftError} E_VALUE unless it is 64 lower-case hex digits: any other text could lead out of the folder.
 */
export function hexDigits(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  const found = printable(JSON.stringify(sha256.slice(0, 100)));
  const fix = "restore the lock from version control";
  throw new SealiftError([
    { where: "a pin", code: "E_VALUE", subject: "sha256", found, expected: "64 lower-case hex digits", fix },
  ]);
}

/** Large reads: the time for a 90 MB file depends on hashing, not on the number of reads. */
