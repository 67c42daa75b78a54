/** zstd frames written by hand, by RFC 8878, section 3.1.1: what no compressor would write. */

export interface FrameParts {
  /** What the header claims; absent: nothing. */
  readonly contentBytes?: number | bigint;
  /** Exponent of the window, 10 or more; absent: a single segment, whose window is its content. */
  readonly windowLog?: number;
  /** Identifier of a dictionary, one byte. */
  readonly dictionary?: number;
  /** Bits of the descriptor to be set besides. */
  readonly bits?: number;
  readonly blocks: readonly Buffer[];
}

/** A frame without a checksum. */
export function frame({ contentBytes, windowLog, dictionary, bits = 0, blocks }: FrameParts): Buffer {
  const size = Buffer.alloc(8);
  if (contentBytes !== undefined) size.writeBigUInt64LE(BigInt(contentBytes));
  const descriptor =
    (contentBytes === undefined ? 0 : 0b1100_0000) |
    (windowLog === undefined ? 0b10_0000 : 0) |
    (dictionary === undefined ? 0 : 1) |
    bits;
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor]),
    ...(windowLog === undefined ? [] : [Buffer.from([(windowLog - 10) << 3])]),
    ...(dictionary === undefined ? [] : [Buffer.from([dictionary])]),
    ...(contentBytes === undefined ? [] : [size]),
    ...blocks,
  ]);
}

/** A block of bytes as they are. */
export function rawBlock(content: Buffer, last: boolean): Buffer {
  return Buffer.concat([blockHeader(content.length, 0, last), content]);
}

/** A block of one byte, so many times. */
export function repeatedBlock(byte: number, times: number, last: boolean): Buffer {
  return Buffer.concat([blockHeader(times, 1, last), Buffer.from([byte])]);
}

/** A frame that every reader skips. */
export function skippableFrame(content: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

/** @param type 0 raw, 1 repeated, 2 compressed, 3 reserved. */
export function blockHeader(bytes: number, type: number, last: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((bytes << 3) | (type << 1) | (last ? 1 : 0), 0, 3);
  return header;
}
