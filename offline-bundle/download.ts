/** Brings a file over https: resumes, and never hands out bytes that are not all there. */
import { createWriteStream } from "node:fs";
import { rename, stat, truncate } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SealiftError } from "../modules/core/errors.ts";
import { fullDisk, isFull } from "./room.ts";

/** Told after every piece: bytes so far and, where the server says, in all. */
export type Progress = (bytes: number, total: number | undefined) => void;

/**
 * Downloads `url` to `target`. Writes to `<target>.part` and renames when the length is what the server announced; a
 * `.part` left by an earlier run is continued with a range request. A connection that breaks is picked up again, at most
 * {@link attempts} times in a row without a new byte. What the bytes hash to is the caller's to check.
 *
 * @throws {SealiftError} E_DOWNLOAD with the url and the last reason; E_SPACE when the disk is full.
 */
export async function download(url: URL, target: string, progress: Progress): Promise<void> {
  const part = `${target}.part`;
  let failures = 0;
  while (failures < attempts) {
    const before = await lengthOf(part);
    try {
      await fetchRest(url, part, before, progress);
      await rename(part, target);
      return;
    } catch (error) {
      if (isFull(error)) throw await fullDisk(part);
      if (error instanceof Refusal) throw problem(url, error.message);
      failures = (await lengthOf(part)) > before ? 1 : failures + 1;
      if (failures >= attempts) throw problem(url, reason(error));
    }
  }
}

/** Tries in a row that bring nothing before the download counts as failed. */
const attempts = 3;
/** Without a byte for this long the connection counts as broken. */
const stallTimeoutMs = 30_000;

/** An answer that another try would not change. */
class Refusal extends Error {}

async function fetchRest(url: URL, part: string, from: number, progress: Progress): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => {
    stalled.abort(new Error(`no data for ${stallTimeoutMs / 1000} s`));
  }, stallTimeoutMs);
  try {
    const headers = from > 0 ? { range: `bytes=${from}-` } : {};
    const response = await fetch(url, { headers, signal: stalled.signal });
    if (url.protocol === "https:" && !response.url.startsWith("https:")) {
      throw new Refusal(`a redirect to ${response.url}`);
    }
    // 416: the part is as long as the file, or longer; only a fresh start tells.
    if (response.status === 416 && from > 0) {
      await response.body?.cancel();
      clearTimeout(watch);
      await startOver(url, part, progress);
      return;
    }
    if (!response.ok || response.body === null) throw refusalOf(response);
    const resumed = response.status === 206;
    const total = announced(response, resumed ? from : 0);
    let bytes = resumed ? from : 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        watch.refresh();
        progress(bytes, total);
        done(null, chunk);
      },
    });
    await pipeline(
      Readable.fromWeb(response.body),
      count,
      createWriteStream(part, { flags: resumed ? "a" : "w" }),
    );
    if (total !== undefined && bytes !== total)
      throw new Error(`the connection ended at byte ${bytes} of ${total}`);
  } finally {
    clearTimeout(watch);
  }
}

async function startOver(url: URL, part: string, progress: Progress): Promise<void> {
  await truncate(part);
  await fetchRest(url, part, 0, progress);
}

/** Whole length of the file; a body that was compressed on the way has no announced length that counts. */
function announced(response: Response, from: number): number | undefined {
  const length = response.headers.get("content-length");
  if (length === null || response.headers.get("content-encoding") !== null) return undefined;
  return from + Number(length);
}

function refusalOf(response: Response): Error {
  const text = `${response.status} ${response.statusText}`.trim();
  return response.status >= 500 || response.status === 429 ? new Error(text) : new Refusal(text);
}

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** fetch hides what went wrong in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function problem(url: URL, got: string): SealiftError {
  return new SealiftError([
    {
      where: url.href,
      code: "E_DOWNLOAD",
      subject: "download",
      got,
      expected: "the whole file",
      todo: "check the url and the network, then run it again: what is here already is kept",
    },
  ]);
}
