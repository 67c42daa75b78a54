/** The files inside a gzipped tar. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { type Member, readTar } from "./read-tar.ts";

export type { Member } from "./read-tar.ts";

/** More comes out of nothing that is pinned here: an engine has 300 MB. */
export const mostUnpackedBytes = 16 * 1024 ** 3;

/**
 * Lists the regular files of a .tgz with length and sha256, sorted by path; nothing is written to disk.
 *
 * @param links whether links that stay inside are accepted. Default no: an engine's every installed byte is compared with its
 * pin, and a link has none.
 * @throws {SealiftError} E_ARCHIVE when it is no gzipped tar, or holds what could hurt when it is unpacked: paths or links that
 * lead outside, devices, a path twice, more bytes than it can honestly hold.
 */
export async function membersOf(
  archive: string,
  links = false,
  most = mostUnpackedBytes,
): Promise<readonly Member[]> {
  const packed = createReadStream(archive, { highWaterMark: pieceBytes });
  const { members } = await readTar(archive, packed, createGunzip({ chunkSize: pieceBytes }), {
    links,
    most,
  });
  return members;
}

/** In pieces of Node's 16 KiB, a third of the time goes into handing them on. */
const pieceBytes = 256 * 1024;
