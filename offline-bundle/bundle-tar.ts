/** A bundle as a tar that is the same every time, in the order given. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { pieceBuffer, piecesOf } from "./pieces.ts";
import type { Content } from "./carried-order.ts";
import { tarHeader } from "./tar-header.ts";

/** Bytes of the archive before compression: what is carried is never noticeably longer. */
export function tarBytes(entries: readonly Content[]): number {
  return entries.reduce((sum, { bytes }) => sum + blockBytes + bytes + padding(bytes), 2 * blockBytes);
}

export interface Entry extends Content {
  /** Its bytes, when it is no file of the bundle. */
  readonly text?: string;
}

/**
 * Packs files of a directory, each checked on its way. A piece is only good until the next one is asked for: all of them are
 * read into the same memory, so that a long file takes no more of it than a short one.
 *
 * @param progress told the bytes so far.
 * @throws {SealiftError} E_BUNDLE_DIGEST for a file that is not what it must be.
 */
export async function* tarOf(
  directory: string,
  entries: readonly Entry[],
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const buffer = pieceBuffer();
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

/** The bytes of a file, ending in a refusal when they are not what they must be. */
async function* checked(directory: string, entry: Entry, buffer: Buffer): AsyncGenerator<Buffer> {
  const { name, bytes } = entry;
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of piecesOf(join(directory, name), buffer, "refuse")) {
    length += piece.length;
    // The archive has announced the length: more must not get into it.
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

function differs(directory: string, { name, bytes }: Entry, got: string): SealiftError {
  return new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_DIGEST",
      subject: name,
      got,
      expected: `${bytes} bytes with the sha256 of its name`,
      todo: "build the bundle again",
    },
  ]);
}
