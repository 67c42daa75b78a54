import type { RetryPolicy } from "./retry-policy.ts";

export interface Watchdog {
  readonly signal: AbortSignal;
  readonly saw: (bytes: number) => void;
  readonly end: () => void;
}

/** Reason when a source has used all the time that its bytes may take. */
export class TooSlow extends Error {}

/**
 * Ends a connection that is too slow or exceeds its time limit.
 *
 * @param untilMs time limit by performance.now(); may grow with the bytes that arrive.
 */
export function watchdog({ stallMs, leastBytes }: RetryPolicy, untilMs: () => number): Watchdog {
  const controller = new AbortController();
  let received = 0;
  let end: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = untilMs() - performance.now();
    if (leftMs <= 0)
      controller.abort(
        new TooSlow("the transfer is too slow: the time limit for this many bytes has passed"),
      );
    else end = setTimeout(wait, Math.min(leftMs, maxTimerMs));
  };
  end = setTimeout(wait, 0);
  const timer = setInterval(() => {
    if (received < leastBytes)
      controller.abort(
        new Error(`${received === 0 ? "no data" : `${received} bytes`} in ${stallMs / 1_000} s`),
      );
    received = 0;
  }, stallMs);
  return {
    signal: controller.signal,
    saw: (bytes) => {
      received += bytes;
    },
    end: () => {
      clearInterval(timer);
      clearTimeout(end);
    },
  };
}

/** The maximum of setTimeout; a larger value fires at once. */
export const maxTimerMs = 2 ** 31 - 1;
