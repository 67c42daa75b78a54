/** Tries again with growing pauses, as the official plugin does while it dials. */
import { setTimeout as pause } from "node:timers/promises";

const firstPauseMs = 100;
const pauseGrowth = 1.5;
const longestPauseMs = 5000;

/**
 * @param limit how many failures are forgiven; -1 means any number
 * @param report receives a line for each failure that is forgiven
 * @throws {Error} `after <n> failed attempts: <why>`
 */
export async function withRetries<T>(
  what: string,
  limit: number,
  signal: AbortSignal,
  report: (line: string) => void,
  attempt: () => Promise<T>,
): Promise<T> {
  let pauseMs = firstPauseMs;
  for (let failed = 0; ; failed += 1) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      if (limit >= 0 && failed >= limit)
        throw new Error(`after ${failed} failed attempts: ${why}`, { cause: error });
    }
    report(`${what} ${failed + 1}/${limit < 0 ? "inf" : limit} failed: retrying`);
    await pause(pauseMs, undefined, { signal });
    pauseMs = Math.min(pauseMs * pauseGrowth, longestPauseMs);
  }
}
