/** Bytes and what they hash to. */
import { createHash } from "node:crypto";
import { piecesOf } from "./pieces.ts";

/** What pins a file: its length in bytes and its sha256 as 64 lower-case hex digits. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Reads a file once and tells its length and sha256.
 *
 * @throws the error of the file system, such as ENOENT.
 */
export async function digestOf(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of piecesOf(path)) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** The same for bytes that are in memory. */
export function digestOfBytes(data: Uint8Array | string): Digest {
  return {
    bytes: Buffer.byteLength(data),
    sha256: createHash("sha256").update(data).digest("hex"),
  };
}

/** Large reads: the digest of a 90 MB file is bound by hashing, not by the number of reads. */
