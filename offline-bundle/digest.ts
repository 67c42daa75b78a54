/** Bytes and what they hash to. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

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
  const file = await open(path);
  try {
    // A buffer of full size for each of many small files would cost more than hashing them.
    const { size } = await file.stat();
    // One for all of the file: what a stream reads would wait for the garbage collector.
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(readSizeBytes, size)));
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return { bytes, sha256: hash.digest("hex") };
      bytes += bytesRead;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
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
