/** Bytes and what they hash to. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

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
  // A buffer of full size for each of many small files would cost more than hashing them.
  const highWaterMark = Math.max(1, Math.min(readSizeBytes, (await stat(path)).size));
  for await (const chunk of createReadStream(path, { highWaterMark })) {
    const data = chunk as Buffer;
    bytes += data.length;
    hash.update(data);
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
const readSizeBytes = 1024 * 1024;
