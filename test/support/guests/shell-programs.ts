/** Which programs a shell text starts: read word by word, as POSIX sh does (XCU 2.3 and 2.10), as far as our own scripts need it. */

/** What runs the words behind its own options and numbers. */
const runsOthers = /^(timeout|exec|command|env|xargs|unshare|nice|runuser|setpriv|nsenter|attempt|as_\w+)$/;
const keywords = new Set([
  "if",
  "then",
  "elif",
  "else",
  "do",
  "while",
  "until",
  "!",
  "{",
  "}",
  "fi",
  "done",
  "esac",
]);
const builtins = new Set(
  ": . [ cd command echo eval exec exit export kill printf read return set shift test trap true false type ulimit umask unset wait break continue for case in".split(
    " ",
  ),
);

/**
 * @param texts that are run as one: a function of one may be called by another.
 * @returns names of programs, sorted; none of a variable, and none in a text that another program runs (awk, perl, sh -c).
 */
export function programsOf(texts: readonly string[]): readonly string[] {
  const functions = new Set(
    texts.flatMap((text) => [...text.matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name)),
  );
  const words = texts.flatMap((text) => [...commandWords(text)]);
  const programs = words.filter((word) => !functions.has(word) && !builtins.has(word) && !keywords.has(word));
  return [...new Set(programs)].sort();
}

/** Words in the place of a command, and those that such a one runs. */
function* commandWords(text: string): Generator<string> {
  /** What has to close: of a command substitution `)`, of a double quote `"`, of a subshell `)`. */
  const open: ('"' | "$(" | "(" | "`")[] = [];
  const heredocs: string[] = [];
  /** start: a command comes. others: a word that it runs comes. words: its words come. */
  let state: "start" | "others" | "words" = "start";
  /** Behind a number nothing but the command comes, also when it stands in a variable. */
  let number = false;
  let at = 0;
  const take = (form: RegExp): string | undefined => {
    form.lastIndex = at;
    const found = form.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < text.length) {
    const top = open.at(-1);
    if (take(/\\[^]/y) !== undefined) state = state === "start" ? "words" : state;
    else if (
      take(/\$\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)/y) !== undefined ||
      take(/\$\{(?:[^{}]|\$?\{[^{}]*\})*\}|\$\w+|\$[@*#?!$-]/y) !== undefined
    )
      state = (state === "start" || number) && top !== '"' ? "words" : state;
    else if (take(/\$\(/y) !== undefined) {
      open.push("$(");
      state = "start";
    } else if (take(/"/y) !== undefined) {
      if (top === '"') {
        open.pop();
        // The seconds of timeout, in a variable.
        if (state === "others") number = true;
      } else {
        open.push('"');
        if (state === "start" || number) state = "words";
      }
    } else if (top === '"') at += 1;
    else if (take(/'[^']*'/y) !== undefined) state = state === "start" ? "words" : state;
    else if (take(/\n/y) !== undefined) {
      for (const end of heredocs.splice(0)) take(new RegExp(`[^]*?^\\t*${end}$\\n?`, "my"));
      state = "start";
    } else if (take(/[ \t]+/y) !== undefined) continue;
    else if (take(/#[^\n]*/y) !== undefined) continue;
    else if (take(/<<-?'?/y) !== undefined) {
      heredocs.push(take(/\w+/y) ?? "");
      take(/'/y);
    } else if (take(/\d*[<>]&?-?/y) !== undefined) take(/[ ]*[^\s;&|()"'$]*/y);
    else if (take(/;;|;|&&|&|\|\||\|/y) !== undefined) state = "start";
    else if (take(/\(\)/y) !== undefined) state = "start";
    else if (take(/\(/y) !== undefined) {
      open.push("(");
      state = "start";
    } else if (take(/\)/y) !== undefined) {
      if (top === "$(" || top === "(") open.pop();
      // Behind the pattern of a case a command begins; behind a substitution the words go on.
      state = top === "$(" ? "words" : "start";
    } else {
      const word = take(/(?:[^\s;&|()"'$\\<>`#]|(?<=\S)#)+/y) ?? take(/[^]/y) ?? "";
      const isPattern = top === undefined && /^[ ]*(\|[^\n;&()]*)?\)/.test(text.slice(at, at + 300));
      if (state === "words" || isPattern || /^\w+=/.test(word)) continue;
      number = state === "others" && /^\d+$/.test(word);
      const plain = /^[a-z_][\w.+-]*$/.test(word);
      if (state === "others" && (!plain || /^[\d-]/.test(word))) continue;
      if (plain) yield word;
      number = false;
      state = keywords.has(word) ? "start" : runsOthers.test(word) ? "others" : "words";
    }
  }
}
