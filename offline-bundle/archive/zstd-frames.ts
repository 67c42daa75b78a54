/**
 * Finds the boundaries of zstd frames from their headers (RFC 8878, section 3.1.1), without decompression, and refuses frames
 * that Sealift never writes before zstd reads them.
 */

/** 8 MiB, the window of level 19: limits the memory for decompression. */
export const maxWindowLog = 23;

export interface FrameHeader {
  /** The header as it was read. */
  readonly text: Buffer;
  /** Length of the decompressed content; absent when the header does not give it. */
  readonly contentBytes: number | undefined;
  /** Whether a 4-byte checksum follows the last block. */
  readonly checksum: boolean;
}

/** Upper bound for the packed size of `contentBytes`: ZSTD_COMPRESSBOUND of zstd.h, plus the headers. */
export function maxPackedBytes(contentBytes: number): number {
  return contentBytes + (contentBytes >> 8) + 1024;
}

/** Reads frames one after another. */
export class FrameReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  #header: Buffer = Buffer.alloc(0);

  /** @param input a chunk is valid only until the next one is requested. */
  constructor(input: AsyncIterable<Buffer>) {
    this.#pieces = input[Symbol.asyncIterator]();
  }

  /**
   * The header of the next frame; undefined at the end.
   *
   * @throws {Error} for bytes that are not a frame, or a frame that Sealift does not write.
   */
  async header(): Promise<FrameHeader | undefined> {
    if (!(await this.#more())) return undefined;
    const text = Buffer.alloc(maxHeaderBytes);
    await this.#read(text, 0, 4);
    const magic = text.readUInt32LE(0);
    if ((magic & 0xfffffff0) === skippableMagic) throw new Error("a skippable frame");
    if (magic >>> 0 !== frameMagic)
      throw new Error(`bytes that are not a frame header: ${text.toString("hex", 0, 4)}`);
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

  /** The whole frame of the header that was read last. @throws {Error} when the frame is too long. */
  async frame({ text, checksum }: FrameHeader, maxBytes: number): Promise<Buffer> {
    // Memory that is never written to is never committed.
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
      // An RLE block: one byte that is repeated.
      await take(type === 1 ? 1 : block >> 3);
    }
    if (checksum) await take(4);
    return frame.subarray(0, length);
  }

  /** The raw stream from the last header on. */
  async *rest(): AsyncGenerator<Buffer> {
    yield this.#header;
    while (await this.#more()) {
      const piece = this.#piece;
      this.#piece = Buffer.alloc(0);
      yield piece;
    }
  }

  /** The owner of the input closes it. */
  async end(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** Fills `target` between two places. */
  async #read(target: Buffer, from: number, to: number): Promise<void> {
    for (let at = from; at < to;) {
      if (!(await this.#more())) throw new Error("unexpected end of a frame");
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
/** Indexed by the flag of the descriptor; 1 instead of 0 for a single segment. */
const contentLengths = [0, 2, 4, 8];

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  // The two-byte form starts at 256 (RFC 8878, section 3.1.1.1.4).
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0b111);
}
