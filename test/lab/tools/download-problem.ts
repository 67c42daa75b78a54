import { SealiftError } from "../../../modules/core/errors.ts";

/** Something could not be downloaded: the host, the way or the file. Other ways to have the tool may be tried. */
export function downloadProblem(url: string, reason: unknown): SealiftError {
  return new SealiftError([
    {
      where: "download",
      code: "E_DOWNLOAD",
      subject: url,
      got: reason instanceof Error ? reason.message : String(reason),
      expected: "the file",
      todo: "see whether this machine reaches the host, then start again: what has arrived is kept",
    },
  ]);
}

/** Bytes arrived that are not the pinned ones: nothing goes on after that. */
export function wrongBytes(url: string, path: string, got: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: path,
      code: "E_DOWNLOAD_SHA256",
      subject: url,
      got: `sha256 ${got}`,
      expected: `sha256 ${expected}`,
      todo: "find out who changed the file before you use anything from there; it has been deleted here",
    },
  ]);
}

/** Whether an error says E_DOWNLOAD, so that the next way may be tried. */
export function isDownloadProblem(error: unknown): error is SealiftError {
  return error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD");
}
