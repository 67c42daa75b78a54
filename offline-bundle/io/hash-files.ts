/** The sha256 of many files, on up to three cores. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { createHash } from "node:crypto";
import { piecesOf } from "./chunks.ts";
import { openRegular, tooLong } from "./regular-file.ts";

/** A file of a bundle and its length; no more than this is read. */
export interface Sized {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Hashes files, the largest first, so that no single core is left with a large file at the end. Node hashes on the calling
 * thread: each core gets a thread, up to three, unless there is so little to hash that starting the threads would take longer.
 *
 * @param progress called with the bytes so far.
 * @returns in the given order, the sha256 as 64 hex digits; for a file that is not regular, cannot be read, or has grown, a
 * message that says so.
 */
export async function hashFiles(
  files: readonly Sized[],
  progress: (bytes: number) => void = () => undefined,
): Promise<readonly string[]> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const threads = Math.min(availableParallelism(), files.length, maxThreads);
  const hashers =
    total < worthThreadsBytes || threads < 2
      ? [hashHere]
      : Array.from({ length: threads }, () => new HashThread());
  const sha256s = new Map<number, string>();
  const queue = files
    .map((file, at) => ({ ...file, at }))
    .sort((a, b) => b.bytes - a.bytes)
    .values();
  let done = 0;
  const work = async (hasher: Hasher): Promise<void> => {
    for (const { at, ...file } of queue) {
      const sha256 = await hasher.hash(file, (bytes) => {
        done += bytes;
        progress(done);
      });
      sha256s.set(at, sha256);
    }
  };
  try {
    await Promise.all(hashers.map(work));
  } finally {
    await Promise.all(hashers.map((hasher) => hasher.end()));
  }
  return files.map((_file, at) => sha256s.get(at) ?? "");
}

/** Each thread takes 12 MB; three hash 4 GB per second, more than most disks deliver. */
const maxThreads = 3;
/** The threads keep only a hash state; without limits each would reserve memory that it never needs. */
const threadLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, codeRangeSizeMb: 4 };
/** Starting two threads takes as long as hashing this many bytes on one. */
const worthThreadsBytes = 48 * 1024 * 1024;

interface Hasher {
  /** @param more called with the number of bytes read since the last call. */
  readonly hash: (file: Sized, more: (bytes: number) => void) => Promise<string>;
  readonly end: () => Promise<void>;
}

const hashHere: Hasher = {
  hash: async ({ path, bytes: most }, more) => {
    try {
      const sum = createHash("sha256");
      let bytes = 0;
      for await (const piece of piecesOf(path, undefined, "refuse")) {
        bytes += piece.length;
        if (bytes > most) return tooLong(most);
        sum.update(piece);
      }
      more(bytes);
      return sum.digest("hex");
    } catch (error) {
      return describeError(error);
    }
  },
  end: () => Promise.resolve(),
};

/** Why a file could not be read. */
function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Messages of a thread; the last one about a file is one of the other two. */
type Answer = { readonly bytes: number } | { readonly sha256: string } | { readonly failed: string };

class HashThread implements Hasher {
  readonly #worker = new Worker(new URL("hash-worker.js", import.meta.url), { resourceLimits: threadLimits });

  async hash({ path, bytes: most }: Sized, more: (bytes: number) => void): Promise<string> {
    try {
      const file = await openRegular(path, "refuse");
      try {
        this.#worker.postMessage({ descriptor: file.fd, mostBytes: most });
        for (;;) {
          const [answer] = (await once(this.#worker, "message")) as [Answer];
          if ("sha256" in answer) return answer.sha256;
          if ("failed" in answer) return answer.failed === "too long" ? tooLong(most) : answer.failed;
          more(answer.bytes);
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      return describeError(error);
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
