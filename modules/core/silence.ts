/** Gives up on somebody who says nothing. */

/** Told of each word, and of the end. */
export interface Silence {
  readonly heard: () => void;
  readonly end: () => void;
}

/**
 * Calls back when nothing was heard for so long. A program that was busy meanwhile has heard nobody: what waits to be read is read first.
 * @param milliseconds without a word.
 */
export function afterSilence(milliseconds: number, giveUp: () => void): Silence {
  let words = 0;
  let ended = false;
  const timer = setTimeout(() => {
    const before = words;
    // Node reads what has arrived between timers and immediates.
    setImmediate(() => {
      if (!ended && words === before) giveUp();
    });
  }, milliseconds);
  return {
    heard: () => {
      words += 1;
      timer.refresh();
    },
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}
