/** What `before` has made is taken back after the tests. */
import { after } from "node:test";

/**
 * Registers an `after` of the suite in which it is called. What was never made has nothing to be taken back: when `before` fails,
 * its error is the only one.
 *
 * @returns to be called with the way back right after something was made; the newest goes first, and one that fails keeps none of
 * the others from going.
 */
export function undoAfter(): (undo: () => unknown) => void {
  const undos: (() => unknown)[] = [];
  after(async () => {
    const errors: unknown[] = [];
    for (const undo of undos.toReversed()) {
      try {
        await undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "taking back failed");
  });
  return (undo) => {
    undos.push(undo);
  };
}
