/** The name that a mistyped one was probably meant to be. Pure. */
import { closest, distance } from "fastest-levenshtein";

/** The most edits (Levenshtein distance) between a typo and its name. */
const maxEdits = 2;

/**
 * @returns the nearest known name, when it is at most 2 edits away and fewer than half of the letters differ; undefined
 * otherwise. Case is ignored.
 */
export function nearest(written: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const names = new Map(known.map((name) => [name.toLowerCase(), name]));
  const word = written.toLowerCase();
  const near = closest(word, [...names.keys()]);
  const edits = distance(word, near);
  return edits <= maxEdits && edits < Math.max(word.length, near.length) / 2 ? names.get(near) : undefined;
}
