import { visible } from "../modules/core/visible.ts";

/** A name that somebody else has chosen, for a message: as {@link visible} shows it, and not longer than a line or two. */
export function printable(text: string): string {
  return visible(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text);
}

const mostShown = 120;
