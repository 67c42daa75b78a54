/** The files inside a gzipped tar. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { type Member, readTar } from "./read-tar.ts";

export type { Member } from "./read-tar.ts";

/** No file that is pinned here unpacks to more: an engine has 300 MB. */
const maxUnpackedBytes = 16 * 1024 ** 3;

/**
 * Lists the regular files of a .tgz with length and sha256, sorted by path; nothing is written to disk.
 *
 * @param links whether links that stay inside are accepted. Default no: every installed byte of an engine is compared with its
 * pin, and a link has none.
 * @throws {SealiftError} E_ARCHIVE when it is not a gzipped tar, or is dangerous to unpack: paths or links that lead outside,
 * devices, a repeated path, more bytes than any real archive has.
 */
export async function membersOf(
  archive: string,
  links = false,
  most = maxUnpackedBytes,
): Promise<readonly Member[]> {
  const packed = createReadStream(archive, { highWaterMark: chunkBytes });
  const { members } = await readTar(archive, packed, createGunzip({ chunkSize: chunkBytes }), {
    links,
    most,
  });
  return members;
}

/** The same for a tar that is not compressed and contains no link. @throws {SealiftError} E_ARCHIVE */
export async function membersOfTar(archive: string): Promise<readonly Member[]> {
  const packed = createReadStream(archive, { highWaterMark: chunkBytes });
  const { members } = await readTar(archive, packed, undefined, { links: false, most: maxUnpackedBytes });
  return members;
}

/** With Node's default of 16 KiB, a third of the time is spent on passing chunks on. */
const chunkBytes = 256 * 1024;
