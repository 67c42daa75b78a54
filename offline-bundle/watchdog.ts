import type { Patience } from "./patience.ts";

export interface Watchdog {
  readonly signal: AbortSignal;
  readonly saw: (bytes: number) => void;
  readonly end: () => void;
}

/** Ends a connection over which too little comes. */
export function watchdog({ stallMs, leastBytes }: Patience): Watchdog {
  const controller = new AbortController();
  let seen = 0;
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
    },
  };
}
