/** Brings a file over https: resumes, and never hands out bytes that are not all there. */
import { lstat, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SealiftError } from "../modules/core/errors.ts";
import { downloadFailed, noSpace, otherLength } from "./download-problem.ts";
import { openForWriting } from "./regular-file.ts";
import { freeBytes, isFull } from "./room.ts";
import { limits } from "./limits.ts";
import { backoff, longest, type Patience, usualPatience } from "./patience.ts";
import { TooSlow, watchdog, type Watchdog } from "./watchdog.ts";
import { readValidator, validatorFile, writeValidator } from "./validator.ts";
import { Busy, lengthHeader, refusalOf, startOf } from "./web-answer.ts";
import { type Answer, Refusal, request } from "./web-request.ts";

/** Told after every piece: bytes so far and, where it is known, in all. */
export type Progress = (bytes: number, total: number | undefined) => void;

export interface DownloadOptions {
  readonly progress: Progress;
  /** Whether the caller knows what the bytes hash to: then what came from anywhere may be continued from anywhere. */
  readonly pinned: boolean;
  /** Length that the file must have, in bytes; absent: what the server announces. */
  readonly bytes?: number;
  /** More bytes than this are refused where `bytes` is absent. Default {@link limits}.download. */
  readonly most?: number;
  readonly patience?: Patience;
}

/**
 * Downloads `url` to `target`. Writes to `<target>.part` and renames when all is there; a `.part` left by an earlier run is
 * continued with a range request, which asks for the very same file (If-Range). A connection that breaks, stalls or crawls is
 * picked up again, a busy server is waited for: as often and as long as `patience` says. What the bytes hash to is the caller's to check.
 *
 * @returns pieced: whether the bytes came in more than one answer. Then a wrong hash may be the fault of the seam.
 * @throws {SealiftError} E_DOWNLOAD with the url and the last reason; E_SPACE when the disk is full.
 */
export async function download(
  url: URL,
  target: string,
  options: DownloadOptions,
): Promise<{ readonly pieced: boolean }> {
  const { patience = usualPatience } = options;
  const part = `${target}.part`;
  await dropOther(part);
  let failures = 0;
  // An answer may begin anew: what was here before, somebody has to get beyond.
  let furthest = await lengthOf(part);
  const [startMs, first] = [performance.now(), furthest];
  let have = furthest;
  // Of a length that nobody has pinned a server could announce any, and drip for days: it gets the time of what has come.
  const untilMs = (): number => startMs + longest(Math.max((options.bytes ?? have) - first, 0), patience);
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
        throw await otherLength(url, part, error.message, error.wanted, options.bytes !== undefined);
      const weight = isUnreachable(error) ? 2 : 1;
      const length = await lengthOf(part);
      failures = length - furthest >= gainBytes ? 1 : failures + weight;
      furthest = Math.max(furthest, length);
      const over = tries >= patience.tries || performance.now() >= untilMs() || error instanceof TooSlow;
      if (over || error instanceof Refusal || failures >= patience.attempts) throw downloadFailed(url, error);
      await sleep(error instanceof Busy ? error.waitMs : failures > 1 ? backoff(failures - 1, patience) : 0);
    }
  }
}

/** A try that got this much further than any before was worth it. */
const gainBytes = 16 * 1024;

/** Bytes that cannot be the right ones, whatever they are. */
class OtherLength extends Refusal {
  readonly wanted: number;
  constructor(got: string, wanted: number) {
    super(got);
    this.wanted = wanted;
  }
}

/** @returns whether what was there before was continued. */
async function fetchRest(
  url: URL,
  part: string,
  length: number,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  const { patience = usualPatience } = options;
  const validator = length > 0 ? await readValidator(part, url) : undefined;
  const from = validator !== undefined || options.pinned ? length : 0;
  const range = from > 0 ? { range: `bytes=${from}-` } : {};
  const same = from > 0 && validator !== undefined ? { "if-range": validator } : {};
  const watch = watchdog(patience, untilMs);
  let answer: Answer | undefined;
  try {
    answer = await request(url, { ...range, ...same }, watch.signal);
    if (answer.status === 416 && from > 0) {
      answer.body.discard();
      return await atTheEnd(url, part, from, answer, untilMs, options);
    }
    if (answer.status < 200 || answer.status > 299) {
      answer.body.discard();
      throw refusalOf(answer, patience);
    }
    const continued = answer.status === 206;
    const start = continued ? startOf(answer) : 0;
    if (start === undefined || (continued && start !== from)) {
      answer.body.discard();
      if (from === 0) throw new Refusal("a part of the file that nobody asked for");
      return await startOver(url, part, untilMs, options);
    }
    if (!continued) await writeValidator(part, url, answer);
    await receive(answer, part, start, options, watch);
    return continued;
  } finally {
    watch.end();
    // Whatever it was that ended this: nobody asks for the rest.
    answer?.body.discard();
  }
}

/** Appends the body to what is there, and counts: what ends too early is an error, what never ends too. */
async function receive(
  answer: Answer,
  part: string,
  start: number,
  { bytes: wanted, most = limits.download, progress }: DownloadOptions,
  watch: Watchdog,
): Promise<void> {
  const announced = lengthHeader(answer);
  const total = wanted ?? (announced === undefined ? undefined : start + announced);
  const limit = wanted ?? most;
  await refuseWithoutSpace(part, total === undefined ? 0 : total - start);
  let bytes = start;
  const file = await openForWriting(part, start > 0 ? "append" : "anew");
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
  // A length that is announced wrongly ends in an error of the connection; the length that is pinned decides.
  if (bytes !== wanted) await answer.body.ended;
  if (total !== undefined && bytes !== total)
    throw new Error(`the connection ended at byte ${bytes} of ${total}`);
}

/** The server has nothing after `from`: then that is all, or another file is there. */
async function atTheEnd(
  url: URL,
  part: string,
  from: number,
  answer: Answer,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  const length = /^bytes \*\/(\d+)$/.exec(answer.header("content-range") ?? "")?.[1];
  const wanted = options.bytes ?? (length === undefined ? undefined : Number(length));
  if (from === wanted) return true;
  if (wanted !== undefined && from === Number(length))
    throw new OtherLength(`a file of ${from} bytes`, wanted);
  return startOver(url, part, untilMs, options);
}

async function startOver(
  url: URL,
  part: string,
  untilMs: () => number,
  options: DownloadOptions,
): Promise<boolean> {
  await (await openForWriting(part, "anew")).close();
  return fetchRest(url, part, 0, untilMs, options);
}

async function refuseWithoutSpace(part: string, bytes: number): Promise<void> {
  if ((await freeBytes(dirname(part))) < bytes) throw await noSpace(part, bytes);
}

/** Nobody answered at all: that passes less often than other trouble, and another place may be there. */
function isUnreachable(error: unknown): boolean {
  return error instanceof Error && "code" in error && silence.has(String(error.code));
}

const silence = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"]);

/** A link, a folder or a pipe in place of what an earlier run has left is no part of a file. */
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
