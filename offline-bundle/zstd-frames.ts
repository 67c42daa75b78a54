/**
 * Where a zstd frame begins and ends, by its own headers (RFC 8878, section 3.1.1): nothing is decompressed for it, and what
 * Sealift never writes is refused before zstd sees it.
 */

/** 8 MiB, that of level 19: what unpacking a stream may take in memory. */
export const maxWindowLog = 23;

export interface FrameHeader {
  /** As it was read. */
  readonly text: Buffer;
  /** Length of what is in it; absent: it does not say. */
  readonly contentBytes: number | undefined;
  /** Whether four bytes follow the last block. */
  readonly checksum: boolean;
}

/** Most that `contentBytes` may take when they are packed: ZSTD_COMPRESSBOUND of zstd.h, and room for the headers. */
export function maxPackedBytes(contentBytes: number): number {
  return contentBytes + (contentBytes >> 8) + 1024;
}

/** Reads frames one after another. */
export class FrameReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  #header: Buffer = Buffer.alloc(0);

  /** @param input its pieces need only be good until the next one is asked for. */
  constructor(input: AsyncIterable<Buffer>) {
    this.#pieces = input[Symbol.asyncIterator]();
  }

  /** The header of the next frame; undefined at the end. @throws {Error} for what is no frame, or not one of ours. */
  async header(): Promise<FrameHeader | undefined> {
    if (!(await this.#more())) return undefined;
    const text = Buffer.alloc(maxHeaderBytes);
    await this.#read(text, 0, 4);
    const magic = text.readUInt32LE(0);
    if ((magic & 0xfffffff0) === skippableMagic) throw new Error("a skippable frame");
    if (magic >>> 0 !== frameMagic)
      throw new Error(`bytes that begin no frame: ${text.toString("hex", 0, 4)}`);
    await this.#read(text, 4, 5);
    const descriptor = text.readUInt8(4);
    if ((descriptor & 0b1000) !== 0) throw new Error("a frame with a reserved bit");
    if ((descriptor & 0b11) !== 0) throw new Error("a frame with a dictionary");
    const singleSegment = (descriptor & 0b100000) !== 0;
    const windowAt = 5;
    const contentAt = singleSegment ? windowAt : windowAt + 1;
    const contentLength = singleSegment && descriptor >> 6 === 0 ? 1 : (contentLengths[descriptor >> 6] ?? 0);
    const end = contentAt + contentLength;
    await this.#read(text, 5, end);
    const contentBytes = contentLength === 0 ? undefined : contentSize(text.subarray(contentAt, end));
    const windowBytes = singleSegment ? (contentBytes ?? 0) : windowSize(text.readUInt8(windowAt));
    if (windowBytes > 2 ** maxWindowLog) throw new Error(`a frame with a window of ${windowBytes} bytes`);
    this.#header = text.subarray(0, end);
    return { text: this.#header, contentBytes, checksum: (descriptor & 0b100) !== 0 };
  }

  /** All of the frame that begins with this header, which was the last one. @throws {Error} when it does not end in time. */
  async frame({ text, checksum }: FrameHeader, maxBytes: number): Promise<Buffer> {
    // What is not written to takes no memory.
    const frame = Buffer.allocUnsafeSlow(maxBytes);
    let length = text.copy(frame);
    const take = async (bytes: number): Promise<void> => {
      if (length + bytes > maxBytes) throw new Error(`a frame longer than ${maxBytes} bytes`);
      await this.#read(frame, length, length + bytes);
      length += bytes;
    };
    for (let last = false; !last;) {
      await take(3);
      const block = frame.readUIntLE(length - 3, 3);
      last = (block & 1) !== 0;
      const type = (block >> 1) & 0b11;
      if (type === 3) throw new Error("a block of a reserved type");
      // One byte, to be repeated.
      await take(type === 1 ? 1 : block >> 3);
    }
    if (checksum) await take(4);
    return frame.subarray(0, length);
  }

  /** The stream from the last header on, as it came. */
  async *rest(): AsyncGenerator<Buffer> {
    yield this.#header;
    while (await this.#more()) {
      const piece = this.#piece;
      this.#piece = Buffer.alloc(0);
      yield piece;
    }
  }

  /** Whoever reads files for it closes them. */
  async end(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** Fills `target` between two places. */
  async #read(target: Buffer, from: number, to: number): Promise<void> {
    for (let at = from; at < to;) {
      if (!(await this.#more())) throw new Error("an end in the middle of a frame");
      const copied = this.#piece.copy(target, at, 0, to - at);
      at += copied;
      this.#piece = this.#piece.subarray(copied);
    }
  }

  /** Whether any byte is left. */
  async #more(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const step: IteratorResult<Buffer, unknown> = await this.#pieces.next();
      if (step.done === true) return false;
      this.#piece = step.value;
    }
    return true;
  }
}

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** Magic, descriptor, window, dictionary (never here), content size. */
const maxHeaderBytes = 4 + 1 + 1 + 8;
/** By the flag of the descriptor; 1 instead of 0 for a single segment. */
const contentLengths = [0, 2, 4, 8];

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  // Two bytes begin where one byte ends.
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0b111);
}
