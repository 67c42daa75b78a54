/** Limits on the structure of a YAML text: counted before the text is parsed. */

/** Each is a number, far above any lock or bundle.yaml that people write. */
export const yamlBounds = {
  /** Places where a node can begin: a line, an entry, a pair. */
  places: 100_000,
  /** Nested lists and maps, and steps of a line's indentation. */
  depth: 64,
  /** Anchors and aliases, and explicit keys (`?`): each of them is compared with all others. */
  marks: 64,
} as const;

/**
 * The limit that a text exceeds. Characters are counted without regard to quotes: the count may be too high, never too low.
 *
 * @returns the text for `found` of a problem; undefined: the text may be parsed.
 */
export function beyondYamlBounds(text: string): string | undefined {
  let places = 0;
  let open = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === brackets.open || sign === braces.open) deepest = Math.max(deepest, ++open);
    else if (sign === brackets.close || sign === braces.close) open = Math.max(0, open - 1);
    else if (!isSeparator(sign) && !(isIndicator(sign) && isBlank(text.charCodeAt(at + 1)))) continue;
    places += 1;
    if (places > yamlBounds.places) return `more than ${yamlBounds.places} lines and entries`;
    if (deepest > yamlBounds.depth) return `more than ${yamlBounds.depth} levels`;
  }
  if (steps.test(text)) return `more than ${yamlBounds.depth} levels on one line`;
  const marks = text.match(mark)?.length ?? 0;
  return marks > yamlBounds.marks ? `more than ${yamlBounds.marks} anchors, aliases and ? keys` : undefined;
}

const brackets = { open: 0x5b, close: 0x5d };
const braces = { open: 0x7b, close: 0x7d };
const steps = new RegExp(`(?:[-?:][ \\t]+){${yamlBounds.depth},}`);
const mark = /(?<=^|[\s[\]{},:?-])(?:[&*](?=\S)|\?(?=\s))/g;

/** A line feed, a carriage return, a comma. */
function isSeparator(sign: number): boolean {
  return sign === 0x0a || sign === 0x0d || sign === 0x2c;
}

/** `-`, `:`, `?`. */
function isIndicator(sign: number): boolean {
  return sign === 0x2d || sign === 0x3a || sign === 0x3f;
}

function isBlank(sign: number): boolean {
  return sign === 0x20 || sign === 0x09;
}
