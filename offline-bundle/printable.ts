/**
 * A name that somebody else has chosen, for a message: control characters, marks that turn the direction of text, and
 * everything else that no terminal should be given stands as its number.
 */
export function printable(text: string): string {
  const head = text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
  return head.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}\uFFFD]/gu,
    (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const mostShown = 120;
