import { createHash, type Hash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import type { Report } from "../../support/stages.ts";
import { downloadProblem, wrongBytes } from "./download-problem.ts";
import { request, Unreachable } from "./request.ts";

export interface Download {
  readonly url: string;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Where the file is to be; next to it `<path>.part` keeps what has arrived. */
  readonly path: string;
  /** How often a transfer that broke off is taken up again; default 5. */
  readonly rounds?: number;
}

/**
 * Downloads a file and checks it while it streams. A broken transfer goes on where it ended (RFC 9110 ranges), also in a
 * later run. The file appears under its name only when its bytes are right.
 *
 * @throws {E_DOWNLOAD} when the host or the file cannot be had.
 * @throws {E_DOWNLOAD_SHA256} when the bytes are not the pinned ones; they are deleted.
 */
export async function download(wanted: Download, report: Report = () => undefined): Promise<void> {
  if (existsSync(wanted.path) && (await hashOf(wanted.path)).digest("hex") === wanted.sha256) return;
  mkdirSync(dirname(wanted.path), { recursive: true });
  const part = `${wanted.path}.part`;
  const resumed = existsSync(part);
  let found = await fetchAll(wanted, part, report);
  if (found !== wanted.sha256 && resumed) {
    // What an earlier run left may have been of another file.
    rmSync(part);
    found = await fetchAll(wanted, part, report);
  }
  if (found !== wanted.sha256) {
    rmSync(part);
    throw wrongBytes(wanted.url, wanted.path, found, wanted.sha256);
  }
  renameSync(part, wanted.path);
}

/** Before the second round; each later one waits that much longer. */
const pauseMs = 200;

/** @returns the sha256 of all that arrived. */
async function fetchAll({ url, rounds = 5 }: Download, part: string, report: Report): Promise<string> {
  for (let round = 1; ; round++) {
    const hash = await hashOf(part);
    try {
      const anew = await fetchRest(url, part, hash, report);
      return (anew ? await hashOf(part) : hash).digest("hex");
    } catch (error) {
      if (round >= rounds || error instanceof Unreachable || error instanceof Refused)
        throw downloadProblem(url, error);
      report(`${url}: broke off, goes on at ${sizeOf(part)} bytes`);
      await setTimeout(round * pauseMs);
    }
  }
}

/** The server answers, but not with the file: asking again is of no use. */
class Refused extends Error {
  override readonly name = "Refused";
}

/**
 * Appends what is missing.
 *
 * @returns true when the server sent the whole file anew, so that `hash` does not stand for it.
 */
async function fetchRest(url: string, part: string, hash: Hash, report: Report): Promise<boolean> {
  const have = sizeOf(part);
  const response = await request(url, have > 0 ? { range: `bytes=${have}-` } : {});
  // The part is as long as the file: nothing is missing, or it is not this file; the hash tells.
  if (response.status === 416 && have > 0) {
    response.close();
    return false;
  }
  const goesOn =
    response.status === 206 && response.header("content-range")?.startsWith(`bytes ${have}-`) === true;
  if (!goesOn && response.status !== 200) {
    response.close();
    const status = `HTTP status ${response.status}`;
    throw response.status >= 500 ? new Error(status) : new Refused(status);
  }
  const start = goesOn ? have : 0;
  const total = start + Number(response.header("content-length") ?? Number.NaN);
  let done = start;
  await pipeline(
    response.body,
    async function* (chunks) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        done += chunk.length;
        const megabytes = `${url}: ${(done / 1e6).toFixed(1)} MB`;
        if (Number.isNaN(total)) report(megabytes);
        else report(`${megabytes} of ${(total / 1e6).toFixed(1)}`, done / total);
        yield chunk;
      }
    },
    createWriteStream(part, { flags: goesOn ? "a" : "w" }),
  );
  if (!Number.isNaN(total) && done !== total) throw new Error(`${done} bytes of ${total} arrived`);
  return !goesOn && have > 0;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash("sha256");
  if (existsSync(path)) for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash;
}
