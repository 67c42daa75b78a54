/** Text that is not ours, made harmless where it is shown: on a terminal, in a log, on a page, in JSON. */

/**
 * Characters that move a cursor, hide, or change the order of what stands around them: the control characters of C0 and C1 and DEL;
 * line and paragraph separators; marks of direction, embeddings, overrides and isolates (Unicode, UAX #9); characters that are shown
 * as nothing (UAX #44, Default_Ignorable_Code_Point); halves of a pair that stand alone.
 */
const hidden =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/**
 * Who logs in by a URL, whose name and password nobody is to see: up to the last @ before its path; and a password with a slash in it,
 * which a URL would have as %2F. A number with a slash behind it is a port. `without_logins` of run.sh has the same for hosts.
 */
const logins = [/:\/\/[^\s/?#"<>]*@/g, /:\/\/[^\s/?#"<>:@[]*:\d*[^\d\s/?#"<>][^\s"<>]*@/g];

/**
 * The same text, in which no URL says who logs in by it. It takes time as the text is long, whoever has written it: what stands behind
 * the last @ of a word is looked for no login, as the second form would from each `://` to the end of the word.
 */
export function withoutLogins(text: string): string {
  return text.replaceAll(/[^\s"<>]+/g, (word) => {
    const end = word.lastIndexOf("@") + 1;
    if (end === 0) return word;
    const head = word.slice(0, end);
    return logins.reduce((rest, login) => rest.replaceAll(login, "://***@"), head) + word.slice(end);
  });
}

/** One line without logins of URLs: each such character as the escape that JSON has for it, `\u001b` for ESC. Line ends and tabs are among them. */
export function visible(text: string): string {
  return withoutLogins(text).replaceAll(hidden, escape);
}

/** The same for a text of several lines, whose line ends stay. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** The lines of a text as one: without the white space around each, a blank between them. */
export function oneLine(text: string): string {
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
