import { visible } from "../modules/core/visible.ts";

/** A name that somebody else has chosen, for a message: as {@link visible} shows it, and not longer than a line or two. */
export function printable(text: string): string {
  const safe = visible(text);
  return safe.length > mostShown ? `${safe.slice(0, mostShown)}…` : safe;
}

const mostShown = 120;
