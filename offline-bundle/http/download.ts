/** Downloads a file over https; resumes interrupted downloads, and never returns an incomplete file. */
import { lstat, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SealiftError } from "../../modules/core/errors.ts";
import { downloadFailed, noSpace, otherLength } from "./download-problem.ts";
import { openForWriting } from "../io/regular-file.ts";
import { freeBytes, isFull } from "../io/disk-space.ts";
import { limits } from "../io/limits.ts";
import { backoff, maxTransferMs, type RetryPolicy, defaultRetryPolicy } from "./retry-policy.ts";
import { TooSlow, watchdog, type Watchdog } from "./watchdog.ts";
import { readValidator, validatorFile, writeValidator } from "./validator.ts";
import { Busy, lengthHeader, refusalOf, startOf, type Answer, Refusal, request } from "./web-request.ts";

/** Called after every chunk: bytes so far and, where known, in total. */
export type Progress = (bytes: number, total: number | undefined) => void;

export interface DownloadOptions {
  readonly progress: Progress;
  /** Whether the caller knows the sha256: then a download from any source may be resumed from any other. */
  readonly pinned: boolean;
  /** Required length in bytes; absent: what the server announces. */
  readonly bytes?: number;
  /** Upper limit in bytes where `bytes` is absent. Default {@link limits}.download. */
  readonly most?: number;
  readonly retryPolicy?: RetryPolicy;
}

/**
 * Downloads `url` to `target`. Writes to `<target>.part` and renames it when it is complete; a `.part` from an earlier run is
 * resumed with a range request for the same file (If-Range). A connection that breaks, stalls or crawls is retried, and a busy
 * server is waited for, as often and as long as `retryPolicy` allows. The caller verifies the hash.
 *
 * @returns pieced: whether the bytes came from more than one response. Then a wrong hash may be the fault of the resume.
 * @throws {SealiftError} E_DOWNLOAD with the URL and the last reason; E_NO_SPACE when the disk is full.
 */
export async function download(
  url: URL,
  target: string,
  options: DownloadOptions,
): Promise<{ readonly pieced: boolean }> {
  const { retryPolicy = defaultRetryPolicy } = options;
  const part = `${target}.part`;
  await dropOther(part);
  let failures = 0;
  // A response may start over: progress counts only beyond what was there before.
  let furthest = await lengthOf(part);
  const [startMs, first] = [performance.now(), furthest];
  let have = furthest;
  // Without a pinned length a server could announce any length and trickle for days: it gets the time of the bytes that arrived.
  const untilMs = (): number =>
    startMs + maxTransferMs(Math.max((options.bytes ?? have) - first, 0), retryPolicy);
  const progress: Progress = (bytes, total) => {
    have = Math.max(have, bytes);
    options.progress(bytes, total);
  };
  for (let tries = 1; ; tries++) {
    try {
      const pieced = await fetchRest(url, part, await lengthOf(part), untilMs, { ...options, progress });
      await rename(part, target);
      await rm(validatorFile(part), { force: true });
      return { pieced };
    } catch (error) {
      if (error instanceof SealiftError) throw error;
      if (isFull(error)) throw await noSpace(part);
      if (error instanceof OtherLength)
        throw await otherLength(url, part, error.message, error.expected, options.bytes !== undefined);
      const weight = isUnreachable(error) ? 2 : 1;
      const length = await lengthOf(part);
      failures = length - furthest >= gainBytes ? 1 : failures + weight;
      furthest = Math.max(furthest, length);
      const over = tries >= retryPolicy.tries || performance.now() >= untilMs() || error instanceof TooSlow;
      if (over || error instanceof Refusal || failures >= retryPolicy.attempts)
        throw downloadFailed(url, error);
      await sleep(
        error instanceof Busy ? error.waitMs : failures > 1 ? backoff(failures - 1, retryPolicy) : 0,
      );
    }
  }
}

/** A try that got this much further than any earlier one resets the count of failures. */
const gainBytes = 16 * 1024;

/** Bytes whose length already shows that they are not the right ones. */
class OtherLength extends Refusal {
  readonly expected: number;
  constructor(found: string, expected: number) {
    super(found);
    this.expected = expected;
  }
}

/** @returns whether the earlier bytes were resumed. */
async function fetchRest(
  url: URL,
  part: string,
  length: number,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  const { retryPolicy = defaultRetryPolicy } = options;
  const validator = length > 0 ? await readValidator(part, url) : undefined;
  const from = validator !== undefined || options.pinned ? length : 0;
  const range = from > 0 ? { range: `bytes=${from}-` } : {};
  const same = from > 0 && validator !== undefined ? { "if-range": validator } : {};
  const watch = watchdog(retryPolicy, untilMs);
  let answer: Answer | undefined;
  try {
    answer = await request(url, { ...range, ...same }, watch.signal);
    if (answer.status === 416 && from > 0) {
      answer.body.discard();
      return await atTheEnd(url, part, from, answer, untilMs, options);
    }
    if (answer.status < 200 || answer.status > 299) {
      answer.body.discard();
      throw refusalOf(answer, retryPolicy);
    }
    const continued = answer.status === 206;
    const start = continued ? startOf(answer) : 0;
    if (start === undefined || (continued && start !== from)) {
      answer.body.discard();
      if (from === 0) throw new Refusal("an unrequested range of the file");
      return await startOver(url, part, untilMs, options);
    }
    if (!continued) await writeValidator(part, url, answer);
    await receive(answer, part, start, options, watch);
    return continued;
  } finally {
    watch.end();
    // Whatever ended this: the rest of the response is not needed.
    answer?.body.discard();
  }
}

/** Appends the body to the file and counts: a body that ends too early is an error, and so is one that does not end. */
async function receive(
  answer: Answer,
  part: string,
  start: number,
  { bytes: expected, most = limits.download, progress }: DownloadOptions,
  watch: Watchdog,
): Promise<void> {
  const announced = lengthHeader(answer);
  const total = expected ?? (announced === undefined ? undefined : start + announced);
  const limit = expected ?? most;
  await refuseWithoutSpace(part, total === undefined ? 0 : total - start);
  let bytes = start;
  const file = await openForWriting(part, start > 0 ? "append" : "truncate");
  try {
    for await (const piece of answer.body.pieces()) {
      bytes += piece.length;
      watch.saw(piece.length);
      progress(bytes, total);
      if (bytes > limit) throw new OtherLength(`more than ${limit} bytes`, limit);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  // A wrong Content-Length ends in a connection error; the pinned length decides.
  if (bytes !== expected) await answer.body.ended;
  if (total !== undefined && bytes !== total)
    throw new Error(`the connection closed at byte ${bytes} of ${total}`);
}

/** The server has nothing after `from`: either the file is complete, or the server has another file. */
async function atTheEnd(
  url: URL,
  part: string,
  from: number,
  answer: Answer,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  const length = /^bytes \*\/(\d+)$/.exec(answer.header("content-range") ?? "")?.[1];
  const expected = options.bytes ?? (length === undefined ? undefined : Number(length));
  if (from === expected) return true;
  if (expected !== undefined && from === Number(length))
    throw new OtherLength(`a file of ${from} bytes`, expected);
  return startOver(url, part, untilMs, options);
}

async function startOver(
  url: URL,
  part: string,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  await (await openForWriting(part, "truncate")).close();
  return fetchRest(url, part, 0, untilMs, options);
}

async function refuseWithoutSpace(part: string, bytes: number): Promise<void> {
  if ((await freeBytes(dirname(part))) < bytes) throw await noSpace(part, bytes);
}

/** No response at all: such an outage lasts longer than other errors, and another source may be reachable. */
function isUnreachable(error: unknown): boolean {
  return error instanceof Error && "code" in error && silence.has(String(error.code));
}

const silence = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"]);

/** A link, folder or pipe instead of the file of an earlier run cannot be resumed. */
async function dropOther(part: string): Promise<void> {
  const found = await lstat(part).catch(() => undefined);
  if (found !== undefined && !found.isFile()) await rm(part, { recursive: true, force: true });
}

async function lengthOf(path: string): Promise<number> {
  return lstat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
