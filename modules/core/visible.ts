/** Makes untrusted text harmless for output: on a terminal, in a log, on a page, in JSON. */

/**
 * Characters that move a cursor, hide, or reorder the text around them: the control characters of C0 and C1 and DEL; line and
 * paragraph separators; marks of direction, embeddings, overrides and isolates (Unicode, UAX #9); invisible characters (UAX #44,
 * Default_Ignorable_Code_Point); lone surrogates.
 */
const hidden =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/**
 * Credentials in a URL: up to the last @ before its path; also a password with a slash in it, which a URL should have as %2F. A
 * number followed by a slash is a port. `without_logins` of run.sh has the same for hosts.
 */
const logins = [/:\/\/[^\s/?#"<>]*@/g, /:\/\/[^\s/?#"<>:@[]*:\d*[^\d\s/?#"<>][^\s"<>]*@/g];

/**
 * The same text without the credentials of URLs. Runs in linear time, since the text is untrusted: text behind the last @ of a
 * word is not searched, because the second pattern would search from each `://` to the end of the word.
 */
export function withoutLogins(text: string): string {
  return text.replaceAll(/[^\s"<>]+/g, (word) => {
    const end = word.lastIndexOf("@") + 1;
    if (end === 0) return word;
    const head = word.slice(0, end);
    return logins.reduce((rest, login) => rest.replaceAll(login, "://***@"), head) + word.slice(end);
  });
}

/**
 * One line without credentials of URLs: each such character as its JSON escape, `\u001b` for ESC. Line ends and tabs are escaped
 * as well.
 */
export function visible(text: string): string {
  return withoutLogins(text).replaceAll(hidden, escape);
}

/** The same for a text of several lines, whose line ends are kept. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** The lines of a text as one: trimmed, with a blank between them. */
export function visibleOneLine(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");
}

function escape(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
