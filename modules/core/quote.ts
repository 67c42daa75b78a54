/**
 * The only quoting of the project: one word for a POSIX shell (XCU 2.2.2, single quotes keep everything literal).
 * A word with a control character is refused, so that a plan stays one call a line.
 * @throws {TypeError} on a control character.
 */
export function quote(word: string): string {
  // eslint's no-control-regex accepts \p{Cc}.
  if (/\p{Cc}/u.test(word)) throw new TypeError(`control character in ${JSON.stringify(word)}`);
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) && !word.startsWith("=")) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
