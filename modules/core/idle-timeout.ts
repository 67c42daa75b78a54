/** A timeout for a silent peer. */

/** Called for each chunk of output, and at the end. */
export interface IdleTimeout {
  readonly active: () => void;
  readonly end: () => void;
}

/**
 * Calls back after this long without output. If this program was busy meanwhile, waiting output is read first.
 *
 * @param milliseconds without output.
 */
export function idleTimeout(milliseconds: number, onTimeout: () => void): IdleTimeout {
  let words = 0;
  let ended = false;
  const timer = setTimeout(() => {
    const before = words;
    // Node reads arrived data between timers and immediates.
    setImmediate(() => {
      if (!ended && words === before) onTimeout();
    });
  }, milliseconds);
  return {
    active: () => {
      words += 1;
      timer.refresh();
    },
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}
