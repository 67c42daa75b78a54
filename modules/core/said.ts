/** What a host, or whoever is in between, has said on one of ssh's streams, as it may be quoted. Pure. */

/** Harmless, and others' last words. */
const noise = /unable to resolve host|setlocale: |^Warning: Permanently added|^Connection to .* closed/;

/** Lines that say something, without what moves a cursor or hides, each at most 400 characters long. */
export function saidLines(text: string): readonly string[] {
  return text
    .slice(-65_536)
    .split("\n")
    .map((line) => shown(line.trim()))
    .filter((line) => line !== "" && !noise.test(line));
}

/** The last line; empty when nothing was said. */
export function lastLine(text: string): string {
  return saidLines(text).at(-1) ?? "";
}

/** The first line that speaks of this. */
export function telling(text: string, of: RegExp): string | undefined {
  return saidLines(text).find((line) => of.test(line));
}

function shown(line: string): string {
  return line.slice(0, 400).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�");
}
