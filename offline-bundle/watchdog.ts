import type { Patience } from "./patience.ts";

export interface Watchdog {
  readonly signal: AbortSignal;
  readonly saw: (bytes: number) => void;
  readonly end: () => void;
}

/** Told of a place that has had all the time that its bytes may take. */
export class TooSlow extends Error {}

/**
 * Ends a connection over which too little comes, or which is not done in time.
 *
 * @param untilMs when it has to be done, by performance.now(); may grow with what comes.
 */
export function watchdog({ stallMs, leastBytes }: Patience, untilMs: () => number): Watchdog {
  const controller = new AbortController();
  let seen = 0;
  let end: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = untilMs() - performance.now();
    if (leftMs <= 0) controller.abort(new TooSlow("it is too slow: the time for so many bytes is over"));
    else end = setTimeout(wait, Math.min(leftMs, longestTimerMs));
  };
  end = setTimeout(wait, 0);
  const timer = setInterval(() => {
    if (seen < leastBytes)
      controller.abort(new Error(`${seen === 0 ? "no data" : `${seen} bytes`} in ${stallMs / 1_000} s`));
    seen = 0;
  }, stallMs);
  return {
    signal: controller.signal,
    saw: (bytes) => {
      seen += bytes;
    },
    end: () => {
      clearInterval(timer);
      clearTimeout(end);
    },
  };
}

/** What setTimeout can take; with more it fires at once. */
export const longestTimerMs = 2 ** 31 - 1;
