/** Values of steps that are words `key=value` with a blank between them. Untrusted input from a host. Pure. */

interface StatusWords {
  readonly text: (key: string) => string | undefined;
  /** Up to 15 digits. */
  readonly number: (key: string) => number | undefined;
  /** Seconds since 1970, as ISO 8601, UTC. */
  readonly time: (key: string) => string | undefined;
  /** Keys that begin so, in their order. */
  readonly keys: (start: string) => readonly string[];
}

const mostWords = 1000;

export function wordsOf(value: string): StatusWords {
  const found = new Map<string, string>();
  for (const word of value.split(" ", mostWords)) {
    const cut = word.indexOf("=");
    const key = word.slice(0, Math.max(cut, 0));
    if (cut > 0 && !found.has(key)) found.set(key, word.slice(cut + 1));
  }
  const number = (key: string, most: number): number | undefined => {
    const text = found.get(key) ?? "";
    return /^\d+$/.test(text) && text.length <= most ? Number(text) : undefined;
  };
  return {
    text: (key) => found.get(key),
    number: (key) => number(key, 15),
    time: (key) => {
      const seconds = number(key, 11);
      return seconds === undefined
        ? undefined
        : new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    },
    keys: (start) => [...found.keys()].filter((key) => key.startsWith(start)),
  };
}
