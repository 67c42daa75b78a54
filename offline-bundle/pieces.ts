import { type Links, openRegular } from "./regular-file.ts";

/**
 * A file's bytes in pieces. All lie in one buffer, for what a stream reads would wait for the garbage collector: a piece is only
 * good until the next one is asked for.
 *
 * @param shared of whoever reads many files; absent: one of its own, no larger than the file.
 * @throws {UnusableFile} when it is no regular file; the error of the file system otherwise.
 */
export async function* piecesOf(
  path: string,
  shared?: Buffer,
  links: Links = "follow",
): AsyncGenerator<Buffer> {
  const file = await openRegular(path, links);
  try {
    const buffer = shared ?? pieceBuffer((await file.stat()).size);
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A buffer of full size for each of many small files would cost more than reading them. */
export function pieceBuffer(sizeBytes = readSizeBytes): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(1, Math.min(readSizeBytes, sizeBytes)));
}

const readSizeBytes = 1024 * 1024;
