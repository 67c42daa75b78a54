/** Bytes and what they hash to. */
import { createHash } from "node:crypto";
import { SealiftError } from "../modules/core/errors.ts";
import { piecesOf } from "./pieces.ts";
import { printable } from "./printable.ts";

/** What pins a file: its length in bytes and its sha256 as 64 lower-case hex digits. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Reads a file once and tells its length and sha256.
 *
 * @throws the error of the file system, such as ENOENT.
 */
export async function digestOf(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of piecesOf(path)) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** The same for bytes that are in memory. */
export function digestOfBytes(data: Uint8Array | string): Digest {
  return {
    bytes: Buffer.byteLength(data),
    sha256: createHash("sha256").update(data).digest("hex"),
  };
}

/**
 * A sha256 that becomes a part of a path, whoever has said it.
 *
 * @throws {SealiftError} E_VALUE unless it is 64 lower-case hex digits: it might lead out of the folder.
 */
export function hexDigits(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  const got = printable(JSON.stringify(sha256.slice(0, 100)));
  const todo = "take the last lock from your version control";
  throw new SealiftError([
    { where: "a pin", code: "E_VALUE", subject: "sha256", got, expected: "64 lower-case hex digits", todo },
  ]);
}

/** Large reads: the digest of a 90 MB file is bound by hashing, not by the number of reads. */
