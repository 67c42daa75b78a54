/** A text in double quotes as Go's `%q` prints it, which the official plugin's messages have. */
export function goQuote(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/\\u00([0-9a-f]{2})/g, (_, hex: string) =>
      hex === "07" ? "\\a" : hex === "0b" ? "\\v" : `\\x${hex}`,
    )
    .replaceAll(/[\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
