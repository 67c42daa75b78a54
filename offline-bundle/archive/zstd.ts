/**
 * Compression of an archive: independent zstd frames of one length, compressed and decompressed on all cores. RFC 8878, section
 * 3.1: a sequence of frames is a valid stream, which `zstd -d` reads as one.
 */
import { availableParallelism } from "node:os";
import { finished } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { inOrder } from "./in-order.ts";
import { type FrameHeader, FrameReader, maxPackedBytes, maxWindowLog } from "./zstd-frames.ts";

/** Compression levels: a higher level is slower. Level 19 needs no more memory for decompression than level 3. */
export const zstdLevels = { lowest: 1, usual: 3, highest: 19 } as const;

/**
 * Content of every frame but the last. The frames do not depend on the number of cores. Frames of 1 MiB would cost 0.7 % more
 * bytes; frames of 4 MiB would save 0.3 % and need twice the memory per core.
 */
const frameBytes = 2 * 1024 * 1024;
/** A higher concurrency would exceed the memory limit of a verb; hashing and the disk are the bottleneck long before. */
const maxConcurrency = 8;
/** One more than the number of cores: it waits while earlier results are used. */
const usualConcurrency = Math.min(availableParallelism(), maxConcurrency) + 1;

/**
 * Compresses a stream into frames. The bytes depend only on the input and the level: each frame is compressed independently, and
 * frames are yielded in the order of the input.
 *
 * @param input a chunk is valid only until the next one is requested.
 * @param concurrency frames in progress at a time, 1 or more.
 * @returns one frame per chunk, each valid only until the next one is requested.
 */
export async function* compressed(
  input: AsyncIterable<Buffer>,
  level: number = zstdLevels.usual,
  concurrency: number = usualConcurrency,
): AsyncGenerator<Buffer> {
  for await (const frame of inOrder(packing(input, level), concurrency)) {
    yield frame;
    release(frame);
  }
}

/**
 * Decompresses what {@link compressed} wrote, and also a stream of one frame of any length, as earlier versions wrote it.
 *
 * @param input a chunk is valid only until the next one is requested.
 * @param bytes length of the input.
 * @returns chunks that are valid only until the next one is requested.
 * @throws {Error} when the stream is broken, when a frame is not as {@link compressed} writes it, or when other bytes follow.
 */
export async function* decompressed(
  input: AsyncIterable<Buffer>,
  bytes: number,
  concurrency: number = usualConcurrency,
): AsyncGenerator<Buffer> {
  const reader = new FrameReader(input);
  try {
    const header = await reader.header();
    if (header === undefined) throw new Error("an empty file");
    if (header.contentBytes === undefined || header.contentBytes > maxFrameBytes) {
      yield* oneFrame(reader.rest(), bytes);
      return;
    }
    for await (const piece of inOrder(unpacking(reader, header), concurrency)) {
      yield piece;
      release(piece);
    }
  } finally {
    await reader.end();
  }
}

/** Cuts a stream into blocks, one for each frame. The buffers of the blocks are reused. */
async function* packing(input: AsyncIterable<Buffer>, level: number): AsyncGenerator<() => Promise<Buffer>> {
  const freeBuffers: Buffer[] = [];
  let block: Buffer | undefined;
  let length = 0;
  const full = (memory: Buffer, bytes: number) => async (): Promise<Buffer> => {
    const frame = await packed(memory.subarray(0, bytes), level);
    freeBuffers.push(memory);
    return frame;
  };
  for await (const piece of input) {
    for (let at = 0; at < piece.length;) {
      block ??= freeBuffers.pop() ?? Buffer.allocUnsafeSlow(frameBytes);
      const copied = piece.copy(block, length, at);
      at += copied;
      length += copied;
      if (length < frameBytes) continue;
      yield full(block, length);
      block = undefined;
      length = 0;
    }
  }
  if (block !== undefined) yield full(block, length);
}

function packed(block: Buffer, level: number): Promise<Buffer> {
  const zstd = createZstdCompress({
    // As long as the result can get: only then does zstd compress directly from one buffer into the other.
    chunkSize: maxPackedBytes(block.length),
    // Ends the frame with the input, so that its header gives the length of the content.
    flush: constants.ZSTD_e_end,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      ...(level === zstdLevels.usual ? smallTables : {}),
      // For manual decompression: zstd itself reports a byte that differs.
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  return allOf(zstd, block);
}

/**
 * Level 3 with tables of half the length, which fit into the CPU cache: 25 % less time for 1 % more bytes, measured on programs.
 */
const smallTables = {
  [constants.ZSTD_c_strategy]: constants.ZSTD_dfast,
  [constants.ZSTD_c_hashLog]: 16,
  [constants.ZSTD_c_chainLog]: 15,
};
/** Sealift writes no frame with more content. */
const maxFrameBytes = 4 * 1024 * 1024;
/** A smaller frame is refused except at the end: every frame costs time, however small it is. */
const minFrameBytes = 1024 * 1024;

/** @param first header of the first frame: all frames but the last have the same content length. */
async function* unpacking(reader: FrameReader, first: FrameHeader): AsyncGenerator<() => Promise<Buffer>> {
  const usual = first.contentBytes ?? 0;
  for (let header: FrameHeader | undefined = first; header !== undefined;) {
    const { contentBytes } = header;
    if (contentBytes === undefined || contentBytes === 0 || contentBytes > usual)
      throw new Error(
        `a frame of ${contentBytes ?? "an unknown number of"} bytes after one of ${usual} bytes`,
      );
    const frame = await reader.frame(header, maxPackedBytes(contentBytes));
    yield async () => {
      const content = await unpacked(frame, contentBytes);
      release(frame);
      return content;
    };
    header = await reader.header();
    if (header !== undefined && contentBytes < Math.max(usual, minFrameBytes))
      throw new Error(`a frame of ${contentBytes} bytes that is not the last`);
  }
}

async function unpacked(frame: Buffer, contentBytes: number): Promise<Buffer> {
  const zstd = createZstdDecompress({
    // One more than expected, or zstd would be called once more; 64 is Node's minimum.
    chunkSize: Math.max(64, contentBytes + 1),
    params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
  });
  const content = await allOf(zstd, frame);
  if (content.length !== contentBytes)
    throw new Error(`${content.length} bytes in a frame of ${contentBytes}`);
  return content;
}

/** Gives zstd all of its input at once, on a thread of its own, and waits for the whole output. */
async function allOf(zstd: Zstd, input: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      zstd.on("error", reject);
      zstd.on("data", (piece: Buffer) => pieces.push(piece));
      zstd.write(input, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } finally {
    zstd.destroy();
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/**
 * Frees memory at once: the garbage collector runs by the number of objects, and these are few and large. Short buffers share
 * memory with others.
 */
function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

type Zstd = ReturnType<typeof createZstdCompress> | ReturnType<typeof createZstdDecompress>;

/** One frame of any length, which fills the stream. */
async function* oneFrame(input: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  const zstd = createZstdDecompress({ ...pieces, params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog } });
  const feeding = feed(input, zstd);
  // Awaited below; the loop ends when the stream fails.
  feeding.catch(() => undefined);
  try {
    for await (const piece of zstd) yield piece as Buffer;
    // Node stops at the end of the first frame without reporting the remaining bytes.
    if (zstd.bytesWritten !== bytes) throw new Error(`${bytes - zstd.bytesWritten} bytes after its end`);
    await feeding;
  } finally {
    zstd.destroy();
  }
}

/** Small, because chunks wait for the garbage collector, which runs by the number of objects, not by their length. */
const chunkBytes = 64 * 1024;
/**
 * Some chunks may wait, or zstd would idle whenever one is hashed or written. Node passes this option on to the stream; its types
 * lack it.
 */
const pieces: object = { chunkSize: chunkBytes, readableHighWaterMark: 16 * chunkBytes };

/** Writes chunk by chunk and waits for each; the end is written separately. */
async function feed(input: AsyncIterable<Buffer>, zstd: Zstd): Promise<void> {
  try {
    for await (const piece of input) {
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
