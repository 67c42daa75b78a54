/**
 * Files that somebody else may have written: only a regular file is opened, and no more of it is read than it may have. A
 * named pipe would wait for ever, a link would lead elsewhere, a device has no end.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, stat } from "node:fs/promises";

/** Whether the last name of a path may be a symbolic link: in what a person has named it may, inside a bundle it may not. */
export type Links = "follow" | "refuse";

/** Something that is no regular file, or longer than it may be; its message says what it is, in the words of `got`. */
export class UnusableFile extends Error {}

/**
 * Opens a file for reading.
 *
 * @throws {UnusableFile} when it is anything but a regular file; the error of the file system otherwise, such as ENOENT.
 */
export async function openRegular(path: string, links: Links): Promise<FileHandle> {
  // Before it is opened: to open a device may do something.
  refuseOtherKinds(links === "follow" ? await stat(path) : await lstat(path));
  // And once more: it may be another one by now.
  return checked(await open(path, openFlags(links)));
}

/**
 * Opens a file of a known name for writing, which may be there already: what is a link, a pipe or a device by now is not written to.
 *
 * @param how append: behind what is there; anew: what is there goes.
 * @throws {UnusableFile}; the error of the file system otherwise, ELOOP for a link.
 */
export async function openForWriting(path: string, how: "append" | "anew"): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (how === "append" ? O_APPEND : O_TRUNC);
  return checked(await open(path, flags, 0o666));
}

/** Closes what is no regular file. */
async function checked(file: FileHandle): Promise<FileHandle> {
  try {
    refuseOtherKinds(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Never waits for somebody to write into a pipe (open(2)). */
export function openFlags(links: Links): number {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  return O_RDONLY | O_NONBLOCK | (links === "follow" ? 0 : O_NOFOLLOW);
}

/**
 * All of a small file.
 *
 * @param mostBytes more than this is refused, whatever the file says of its length.
 * @throws {UnusableFile} when it is no regular file or too long; the error of the file system otherwise.
 */
export async function readRegular(path: string, mostBytes: number, links: Links): Promise<Buffer> {
  const file = await openRegular(path, links);
  try {
    const { size } = await file.stat();
    if (size > mostBytes) throw new UnusableFile(tooLong(mostBytes, size));
    const pieces: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(Math.min(Math.max(size + 1 - bytes, 4096), pieceBytes));
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return Buffer.concat(pieces);
      bytes += bytesRead;
      if (bytes > mostBytes) throw new UnusableFile(tooLong(mostBytes));
      pieces.push(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** @throws {UnusableFile} */
export function refuseOtherKinds(found: Stats): void {
  const kind = otherKind(found);
  if (kind !== undefined) throw new UnusableFile(kind);
}

/** What something is that is no regular file; undefined of one that is. */
export function otherKind(
  found: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket">,
): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a named pipe";
  return found.isSocket() ? "a socket" : "a device";
}

export function tooLong(mostBytes: number, bytes?: number): string {
  return `${bytes === undefined ? "" : `${bytes} bytes, `}more than ${mostBytes} bytes`;
}

const pieceBytes = 1024 * 1024;
