import { visible } from "../../modules/core/visible.ts";

/** An untrusted name, for a message: as {@link visible} shows it, and no longer than a line or two. */
export function printable(text: string): string {
  const safe = visible(text);
  return safe.length > maxShown ? `${safe.slice(0, maxShown)}…` : safe;
}

const maxShown = 120;
