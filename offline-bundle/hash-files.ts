/** The sha256 of many files, on all cores. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { digestOf } from "./digest.ts";
import type { Answer } from "./hash-worker.ts";

/** A file, and how long it is thought to be. */
export interface Sized {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Hashes files, the largest first, so that no core is left alone with a large one at the end. Node hashes on the thread
 * that asks for it: each core gets a thread, unless there is so little to hash that starting them takes longer.
 *
 * @param progress told the bytes so far.
 * @returns in the order given, the sha256 as 64 hex digits; for a file that cannot be read, the system's words.
 */
export async function hashFiles(
  files: readonly Sized[],
  progress: (bytes: number) => void = () => undefined,
): Promise<readonly string[]> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const threads = Math.min(availableParallelism(), files.length);
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
    for (const { path, at } of queue) {
      const sha256 = await hasher.hash(path, (bytes) => {
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

/** Two threads are up in the time in which one hashes this much. */
const worthThreadsBytes = 48 * 1024 * 1024;

interface Hasher {
  /** @param more told how many bytes were read since the last time. */
  readonly hash: (path: string, more: (bytes: number) => void) => Promise<string>;
  readonly end: () => Promise<void>;
}

const hashHere: Hasher = {
  hash: async (path, more) => {
    try {
      const { bytes, sha256 } = await digestOf(path);
      more(bytes);
      return sha256;
    } catch (error) {
      return String(error);
    }
  },
  end: () => Promise.resolve(),
};

class HashThread implements Hasher {
  readonly #worker = new Worker(new URL("hash-worker.ts", import.meta.url));

  async hash(path: string, more: (bytes: number) => void): Promise<string> {
    this.#worker.postMessage(path);
    for (;;) {
      const [answer] = (await once(this.#worker, "message")) as [Answer];
      if ("sha256" in answer) return answer.sha256;
      more(answer.bytes);
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
