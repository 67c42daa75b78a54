/** What no text of a site may hold, whatever key it stands under: nothing below the site is left out, maps without a schema neither. Pure. */
import type { Problem } from "./errors.ts";
import type { Locate, Path } from "./locate.ts";
import { secretKeys, shown, subject } from "./shown.ts";

/**
 * Every text, and every key, that no plan could carry to a host: a plan is one call a line, and UTF-8 knows no half of a pair. And every
 * login that stands in a URL: plans and Pulumi's state are read by more people than a secret is for.
 */
export function textProblems(value: unknown, place: Locate): readonly Problem[] {
  return [...texts(value, [])].flatMap(({ text, path, key }): Problem[] => {
    const at = { where: place(path, key), subject: subject(key === undefined ? path : [...path, key]) };
    const got = path.some((part) => secretKeys.includes(String(part))) ? "a secret" : shown(text);
    const held = uncarried(text);
    if (held !== undefined)
      return [
        {
          ...at,
          code: "E_VALUE",
          got: `${got}, which holds ${held}`,
          expected: "a text of one line without control characters",
          todo: "remove it; a command of several lines belongs into a file on the host",
        },
      ];
    if (!hasLogin(text)) return [];
    return [
      {
        ...at,
        code: "E_SECRET",
        got,
        expected: "a URL without a name and a password",
        todo: "take the login out of it, and have what uses the URL read it from a file on the host",
      },
    ];
  });
}

/**
 * In time that grows as the text's length does: no form goes on behind the last @ of a word, and each `://` is looked at up to the next slash.
 */
function hasLogin(text: string): boolean {
  return text
    .split(/[\s"<>]/)
    .map((word) => word.slice(0, word.lastIndexOf("@") + 1))
    .some((head) => login.test(head));
}

/** A password, also one with a slash in it, or over http(s) a name alone, which may be a token. Of a word up to its last @. */
const login = /:\/\/[^/?#:]*:[^/?#]*@|:\/\/[^/?#:@[]*:\d*[^\d/?#].*@|https?:\/\/[^/?#]*@/;

function uncarried(text: string): string | undefined {
  if (!text.isWellFormed()) return "half of a character (a lone surrogate)";
  const [found] = /[\p{Cc}\p{Zl}\p{Zp}]/u.exec(text) ?? [];
  if (found === undefined) return undefined;
  const names: Readonly<Record<string, string>> = { "\n": "a line end", "\r": "a line end", "\t": "a tab" };
  const number = found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return names[found] ?? `the control character U+${number}`;
}

/** Texts in the order in which they stand; of a map each key, with the path of the map, before its value. */
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
