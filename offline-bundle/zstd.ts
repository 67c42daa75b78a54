/** zstd streams that give the same bytes everywhere, and that end where their file ends. */
import { availableParallelism } from "node:os";
import { finished } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";

/** Compression levels: the higher, the slower; 19 takes no more memory to unpack than 3. */
export const zstdLevels = { lowest: 1, usual: 3, highest: 19 } as const;

/**
 * Compresses a stream. The bytes depend on the input and the level alone: not on how the input comes in pieces, and not on
 * the number of threads, as long as zstd works with threads at all; so it does even for one.
 */
export async function* compressed(
  input: AsyncIterable<Buffer>,
  level: number = zstdLevels.usual,
  threads: number = Math.min(availableParallelism(), mostThreads),
): AsyncGenerator<Buffer> {
  const zstd = createZstdCompress({
    chunkSize: pieceBytes,
    // Each piece is finished before the next: Node takes a zstd that has not read all of a piece for one that has ended.
    flush: constants.ZSTD_e_flush,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_nbWorkers]: threads,
      [constants.ZSTD_c_jobSize]: blockBytes / mostThreads,
      // For those who unpack by hand: zstd says itself when a byte differs.
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  const feeding = feed(inBlocks(input, blockBytes), zstd);
  // Awaited below; the loop ends by itself when the stream fails.
  feeding.catch(() => undefined);
  try {
    for await (const piece of zstd) yield piece as Buffer;
    await feeding;
  } finally {
    zstd.destroy();
  }
}

/**
 * Decompresses one zstd stream; `bytes` is how long it must be.
 *
 * @throws {Error} when it is broken, asks for more memory than a stream of ours, or is followed by other bytes.
 */
export async function* decompressed(input: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  const zstd = createZstdDecompress({
    chunkSize: pieceBytes,
    params: { [constants.ZSTD_d_windowLogMax]: windowLog },
  });
  const feeding = feed(input, zstd);
  feeding.catch(() => undefined);
  try {
    for await (const piece of zstd) yield piece as Buffer;
    // Node stops at the end of the first stream and says nothing about the rest.
    if (zstd.bytesWritten !== bytes) throw new Error(`${bytes - zstd.bytesWritten} bytes after its end`);
    await feeding;
  } finally {
    zstd.destroy();
  }
}

/** Short, because what was read waits for the garbage collector. */
const pieceBytes = 256 * 1024;
/** What is compressed at a time, in as many jobs as there can be threads. */
const blockBytes = 16 * 1024 * 1024;
/** 8 MiB, that of level 19: what unpacking may take in memory. */
const windowLog = 23;
const mostThreads = 4;

type Zstd = ReturnType<typeof createZstdCompress> | ReturnType<typeof createZstdDecompress>;

/** Writes piece by piece and waits for each; the end is written by itself. */
async function feed(pieces: AsyncIterable<Buffer>, zstd: Zstd): Promise<void> {
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve, reject) => {
        zstd.once("close", resolve);
        zstd.write(piece, (error) => {
          zstd.off("close", resolve);
          if (error) reject(error);
          else resolve();
        });
      });
      if (zstd.destroyed || zstd.readableEnded) return;
    }
    zstd.end();
    await finished(zstd, { readable: false });
  } catch (error) {
    zstd.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function* inBlocks(input: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const piece of input) {
    let rest = piece;
    while (length + rest.length >= bytes) {
      const head = rest.subarray(0, bytes - length);
      yield Buffer.concat([...waiting, head]);
      rest = rest.subarray(head.length);
      [waiting, length] = [[], 0];
    }
    if (rest.length > 0) waiting.push(rest);
    length += rest.length;
  }
  if (length > 0) yield Buffer.concat(waiting);
}
