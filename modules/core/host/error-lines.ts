/** What a host, or a machine on the way to it, printed on one of ssh's streams, in a form that can be quoted. Pure. */

/** Harmless lines that often come last. */
const noise = /unable to resolve host|setlocale: |^Warning: Permanently added|^Connection to .* closed/;

/** Lines with content, without control and format characters, each at most 400 characters long. */
export function outputLines(text: string): readonly string[] {
  return text
    .slice(-65_536)
    .split("\n")
    .map((line) => shown(line.trim()))
    .filter((line) => line !== "" && !noise.test(line));
}

/** The last line; empty when there is none. */
export function lastLine(text: string): string {
  return outputLines(text).at(-1) ?? "";
}

/** The first line that matches. */
export function lineMatching(text: string, of: RegExp): string | undefined {
  return outputLines(text).find((line) => of.test(line));
}

function shown(line: string): string {
  return line.slice(0, 400).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�");
}
