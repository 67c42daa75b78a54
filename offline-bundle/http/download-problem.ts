import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { freeBytes } from "../io/disk-space.ts";

/** E_DOWNLOAD: the URL, and the last reason in the words of its source. */
export function downloadFailed(url: URL, error: unknown): SealiftError {
  return new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD",
      subject: "download",
      found: reason(error),
      expected: "the whole file",
      fix: "check the URL, the proxy and the network, then run the command again: downloaded bytes are kept",
    },
  ]);
}

/**
 * E_DOWNLOAD_SHA256: the length differs, so hashing is unnecessary; the received bytes are deleted.
 *
 * @param expected the pinned length, or the limit when no length is pinned.
 */
export async function otherLength(
  url: URL,
  part: string,
  found: string,
  expected: number,
  pinned: boolean,
): Promise<SealiftError> {
  await rm(part, { force: true });
  return new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD_SHA256",
      subject: "length",
      found,
      ...(pinned
        ? {
            expected: `${expected} bytes`,
            fix: "do not use this file; find out who changed it before you change the pin",
          }
        : {
            expected: `at most ${expected} bytes for a file without a pinned length`,
            fix: "check what the server sends; if the file really is that long, add its bytes and sha256 to the lock first",
          }),
    },
  ]);
}

/** E_NO_SPACE: the file system of a download is full. */
export async function noSpace(path: string, bytes?: number): Promise<SealiftError> {
  const folder = dirname(path);
  return new SealiftError([
    {
      where: folder,
      code: "E_NO_SPACE",
      subject: "free space for downloads",
      found: `${await freeBytes(folder)} bytes free`,
      expected:
        bytes === undefined ? "free space for the rest of the file" : `free space for ${bytes} more bytes`,
      fix: "free up space, or set SEALIFT_CACHE to another folder; downloaded bytes are kept",
    },
  ]);
}

/** Connection errors have their reason in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message === "" && "code" in error ? String(error.code) : error.message;
  return error.cause instanceof Error ? `${text}: ${error.cause.message}` : text;
}

/** Whether the only problem is that the server does not respond. */
export function isUnreachable(error: unknown): error is SealiftError {
  return error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD");
}
