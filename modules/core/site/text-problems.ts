/** Rules for every string of a site, whatever its key, including maps without a schema. Pure. */
import type { Problem } from "../errors.ts";
import type { Locate, Path } from "../document/locate.ts";
import { secretKeys, shown, subject } from "../shown.ts";

/**
 * Reports every string and key that a plan cannot contain: a plan has one call per line, and UTF-8 cannot encode a lone
 * surrogate. Also reports credentials in URLs, because more people can read plans and Pulumi's state than should know a secret.
 */
export function textProblems(value: unknown, place: Locate): readonly Problem[] {
  return [...texts(value, [])].flatMap(({ text, path, key }): Problem[] => {
    const at = { where: place(path, key), subject: subject(key === undefined ? path : [...path, key]) };
    const found = path.some((part) => secretKeys.includes(String(part))) ? "a secret" : shown(text);
    const held = disallowedCharacter(text);
    if (held !== undefined)
      return [
        {
          ...at,
          code: "E_VALUE",
          found: `${found}, which contains ${held}`,
          expected: "one line of text without control characters",
          fix: "remove it; put a command of several lines into a file on the host",
        },
      ];
    if (!hasLogin(text)) return [];
    return [
      {
        ...at,
        code: "E_SECRET",
        found,
        expected: "a URL without credentials",
        fix: "remove the credentials from the URL, and store them in a file on the host",
      },
    ];
  });
}

/** In linear time: no pattern continues behind the last @ of a word, and each `://` is examined up to the next slash. */
function hasLogin(text: string): boolean {
  return text
    .split(/[\s"<>]/)
    .map((word) => word.slice(0, word.lastIndexOf("@") + 1))
    .some((head) => login.test(head));
}

/**
 * A password, also one with a slash in it, or over http(s) a name alone, which may be a token. Examined up to the last @ of a
 * word.
 */
const login = /:\/\/[^/?#:]*:[^/?#]*@|:\/\/[^/?#:@[]*:\d*[^\d/?#].*@|https?:\/\/[^/?#]*@/;

function disallowedCharacter(text: string): string | undefined {
  if (!text.isWellFormed()) return "a lone surrogate";
  const [found] = /[\p{Cc}\p{Zl}\p{Zp}]/u.exec(text) ?? [];
  if (found === undefined) return undefined;
  const names: Readonly<Record<string, string>> = {
    "\n": "a line break",
    "\r": "a line break",
    "\t": "a tab",
  };
  const number = found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return names[found] ?? `the control character U+${number}`;
}

/** Strings in document order; of a map each key, with the path of the map, before its value. */
function* texts(
  value: unknown,
  path: Path,
): Generator<{ readonly text: string; readonly path: Path; readonly key?: string }> {
  if (typeof value === "string") yield { text: value, path };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* texts(item, [...path, index]);
  else if (typeof value === "object" && value !== null)
    for (const [key, member] of Object.entries(value)) {
      yield { text: key, path, key };
      yield* texts(member, [...path, key]);
    }
}
