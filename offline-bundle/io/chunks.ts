import { type Links, openRegular } from "./regular-file.ts";

/**
 * A file's bytes in chunks. All chunks share one buffer, since buffers of a stream would wait for the garbage collector: a chunk
 * is valid only until the next one is requested.
 *
 * @param shared buffer of a caller that reads many files; absent: a buffer of its own, no larger than the file.
 * @throws {UnusableFile} when it is not a regular file; the error of the file system otherwise.
 */
export async function* piecesOf(
  path: string,
  shared?: Buffer,
  links: Links = "follow",
): AsyncGenerator<Buffer> {
  const file = await openRegular(path, links);
  try {
    const buffer = shared ?? chunkBuffer((await file.stat()).size);
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Allocating a full-size buffer for each of many small files would cost more than reading them. */
export function chunkBuffer(sizeBytes = readSizeBytes): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(1, Math.min(readSizeBytes, sizeBytes)));
}

const readSizeBytes = 1024 * 1024;
