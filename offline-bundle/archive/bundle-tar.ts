/** A bundle as a reproducible tar, in the given order. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { chunkBuffer, piecesOf } from "../io/chunks.ts";
import type { ArchiveEntry } from "./archive-order.ts";

/** Bytes of the tar before compression; the compressed archive is never noticeably longer. */
export function tarBytes(entries: readonly ArchiveEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + blockBytes + bytes + padding(bytes), 2 * blockBytes);
}

export interface TarInput extends ArchiveEntry {
  /** Content, when the entry is not a file of the bundle. */
  readonly text?: string;
}

/**
 * Packs the files of a directory and checks each of them on the way. A chunk is valid only until the next one is requested: all
 * are read into the same buffer, so that a long file needs no more memory than a short one.
 *
 * @param progress called with the bytes so far.
 * @throws {SealiftError} E_BUNDLE_DIGEST for a file whose bytes differ from its pin.
 */
export async function* tarOf(
  directory: string,
  entries: readonly TarInput[],
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const buffer = chunkBuffer();
  let done = 0;
  for (const entry of entries) {
    yield tarHeader(entry.name, entry.bytes);
    if (entry.text === undefined) {
      for await (const piece of checked(directory, entry, buffer)) {
        done += piece.length;
        progress(done);
        yield piece;
      }
    } else yield Buffer.from(entry.text);
    yield Buffer.alloc(padding(entry.bytes));
    done += blockBytes + padding(entry.bytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}

/** The bytes of a file; throws at the end when they differ from the pin. */
async function* checked(directory: string, entry: TarInput, buffer: Buffer): AsyncGenerator<Buffer> {
  const { name, bytes } = entry;
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of piecesOf(join(directory, name), buffer, "refuse")) {
    length += piece.length;
    // The tar header already gives the length: no further byte may be written.
    if (length > bytes) throw differs(directory, entry, `more than ${bytes} bytes`);
    hash.update(piece);
    yield piece;
  }
  const sha256 = hash.digest("hex");
  if (length !== bytes || (entry.sha256 ?? sha256) !== sha256) {
    throw differs(directory, entry, `${length} bytes, sha256 ${sha256}`);
  }
}

const blockBytes = 512;

function padding(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

function differs(directory: string, { name, bytes }: TarInput, found: string): SealiftError {
  return new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_DIGEST",
      subject: name,
      found,
      expected: `${bytes} bytes with the sha256 in its name`,
      fix: "build the bundle again",
    },
  ]);
}

/**
 * ustar: POSIX.1-2017, pax, section "ustar Interchange Format".
 *
 * @param name ASCII, at most 100 bytes.
 * @param bytes length of the file.
 */
function tarHeader(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "latin1");
  block.write(octal(0o644, 6), 100, "latin1");
  // Owner and group.
  block.write(octal(0, 6), 108, "latin1");
  block.write(octal(0, 6), 116, "latin1");
  if (bytes <= maxOctalBytes) block.write(octal(bytes, 11), 124, "latin1");
  else {
    // Above 8 GiB: binary, with the first bit set, as GNU tar writes it.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  block.write(octal(0, 11), 136, "latin1");
  block.write("0", 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  // No device.
  block.write(octal(0, 6), 329, "latin1");
  block.write(octal(0, 6), 337, "latin1");
  // The checksum counts its own field as spaces.
  const sum = block.reduce((all, byte) => all + byte, 8 * 0x20);
  block.write(octal(sum, 6), 148, "latin1");
  return block;
}

const maxOctalBytes = 0o77777777777;

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, "0")} `;
}
