import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { freeBytes } from "./room.ts";

/** E_DOWNLOAD: the url, and the last reason in the words of whoever gave it. */
export function downloadFailed(url: URL, error: unknown): SealiftError {
  return new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD",
      subject: "download",
      got: reason(error),
      expected: "the whole file",
      todo: "check the url, the proxy and the network, then run it again: what is here already is kept",
    },
  ]);
}

/**
 * E_DOWNLOAD_SHA256: it has another length, so it need not be hashed; what came of it is deleted.
 *
 * @param wanted its bytes, or the most that it may have when they are not pinned.
 */
export async function otherLength(
  url: URL,
  part: string,
  got: string,
  wanted: number,
  pinned: boolean,
): Promise<SealiftError> {
  await rm(part, { force: true });
  return new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD_SHA256",
      subject: "length",
      got,
      ...(pinned
        ? {
            expected: `${wanted} bytes`,
            todo: "do not use it; find out who changed it before you change the pin",
          }
        : {
            expected: `at most ${wanted} bytes of a file whose length nobody has pinned`,
            todo: "see what the server gives; when the file is that long, write its bytes and sha256 into the lock first",
          }),
    },
  ]);
}

/** E_SPACE: the volume of a file that was being written is full. */
export async function noSpace(path: string, bytes?: number): Promise<SealiftError> {
  const folder = dirname(path);
  return new SealiftError([
    {
      where: folder,
      code: "E_SPACE",
      subject: "room for downloads",
      got: `${await freeBytes(folder)} bytes free`,
      expected: bytes === undefined ? "room for the rest of the file" : `room for ${bytes} bytes more`,
      todo: "make room, or name another folder in SEALIFT_CACHE; what is here already is kept",
    },
  ]);
}

/** Connections hide what went wrong in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message === "" && "code" in error ? String(error.code) : error.message;
  return error.cause instanceof Error ? `${text}: ${error.cause.message}` : text;
}
