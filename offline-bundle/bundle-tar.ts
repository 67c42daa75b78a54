/** A bundle as a tar that is the same every time: the order given, one mode, no owner, no time. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { SealiftError } from "../modules/core/errors.ts";
import type { Content } from "./carried-order.ts";

/** Bytes of the archive before compression: what is carried is never noticeably longer. */
export function tarBytes(entries: readonly Content[]): number {
  const block = 512;
  return entries.reduce((sum, { bytes }) => sum + block + Math.ceil(bytes / block) * block, 2 * block);
}

export interface Entry extends Content {
  /** Its bytes, when it is no file of the bundle. */
  readonly text?: string;
}

/**
 * Packs files of a directory, each checked on its way.
 *
 * @param progress told the bytes so far.
 * @throws {SealiftError} E_BUNDLE_DIGEST for a file that is not what it must be.
 */
export async function* tarOf(
  directory: string,
  entries: readonly Entry[],
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const tar = pack();
  let done = 0;
  const adding = (async () => {
    for (const entry of entries) await add(entry);
    tar.finalize();
  })();
  adding.catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for await (const piece of tar) {
    done += (piece as Buffer).length;
    progress(done);
    yield piece as Buffer;
  }
  await adding;

  async function add(entry: Entry): Promise<void> {
    const { name, bytes, text } = entry;
    const header = { name, size: bytes, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
    if (text !== undefined) {
      tar.entry(header, text);
      return;
    }
    await pipeline(checked(directory, entry), tar.entry(header));
  }
}

/** The bytes of a file, ending in a refusal when they are not what they must be. */
async function* checked(directory: string, entry: Entry): AsyncGenerator<Buffer> {
  const { name, bytes } = entry;
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of createReadStream(join(directory, name), { highWaterMark: readSizeBytes })) {
    const piece = chunk as Buffer;
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

const readSizeBytes = 1024 * 1024;

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
