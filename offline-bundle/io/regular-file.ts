/**
 * Files that somebody else may have written: only a regular file is opened, and no more than its limit is read. A named pipe
 * would block forever, a link would lead elsewhere, a device has no end.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, stat } from "node:fs/promises";

/**
 * Whether the last component of a path may be a symbolic link: in a path that an operator gave it may, inside a bundle it may
 * not.
 */
export type Links = "follow" | "refuse";

/** Something that is not a regular file, or is longer than allowed; the message serves as `found` of a problem. */
export class UnusableFile extends Error {}

/**
 * Opens a file for reading.
 *
 * @throws {UnusableFile} when it is not a regular file; the error of the file system otherwise, such as ENOENT.
 */
export async function openRegular(path: string, links: Links): Promise<FileHandle> {
  // Before it is opened: opening a device can have side effects.
  refuseOtherKinds(links === "follow" ? await stat(path) : await lstat(path));
  // And again afterwards: the file may have been replaced meanwhile.
  return checked(await open(path, openFlags(links)));
}

/**
 * Opens a possibly existing file of a known name for writing, but never a link, pipe or device.
 *
 * @param how append: write behind the existing content; truncate: discard it.
 * @throws {UnusableFile}; the error of the file system otherwise, ELOOP for a link.
 */
export async function openForWriting(path: string, how: "append" | "truncate"): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (how === "append" ? O_APPEND : O_TRUNC);
  return checked(await open(path, flags, 0o666));
}

/** Closes anything but a regular file. */
async function checked(file: FileHandle): Promise<FileHandle> {
  try {
    refuseOtherKinds(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Never blocks on a pipe without a writer (open(2)). */
export function openFlags(links: Links): number {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  return O_RDONLY | O_NONBLOCK | (links === "follow" ? 0 : O_NOFOLLOW);
}

/**
 * The whole content of a small file.
 *
 * @param maxBytes limit, whatever length the file reports.
 * @throws {UnusableFile} when it is not a regular file or is too long; the error of the file system otherwise.
 */
export async function readRegular(path: string, maxBytes: number, links: Links): Promise<Buffer> {
  const file = await openRegular(path, links);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new UnusableFile(tooLong(maxBytes, size));
    const pieces: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(Math.min(Math.max(size + 1 - bytes, 4096), chunkBytes));
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return Buffer.concat(pieces);
      bytes += bytesRead;
      if (bytes > maxBytes) throw new UnusableFile(tooLong(maxBytes));
      pieces.push(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** @throws {UnusableFile} */
function refuseOtherKinds(found: Stats): void {
  const kind = otherKind(found);
  if (kind !== undefined) throw new UnusableFile(kind);
}

/** The kind of something that is not a regular file; undefined for a regular file. */
export function otherKind(
  found: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket">,
): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a named pipe";
  return found.isSocket() ? "a socket" : "a device";
}

export function tooLong(maxBytes: number, bytes?: number): string {
  return `${bytes === undefined ? "" : `${bytes} bytes, `}more than ${maxBytes} bytes`;
}

const chunkBytes = 1024 * 1024;
