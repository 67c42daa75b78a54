/** A command line for a host whose login may have any shell. */
import { readFileSync } from "node:fs";
import { quote } from "./quote.ts";

/**
 * Has sh on the host do the work: sshd gives a command line to the login's own shell (sshd(8), LOGIN PROCESS), and only words, single quotes
 * and comments mean the same to sh, bash, rbash, zsh, ksh, fish and tcsh.
 * @param script file beside this one, run as the login; `$1` is `root`'s text when there is one.
 * @param root file beside this one, run as root by login.sh.
 * @param name what it is called there. @param args go to the script that does the work.
 */
export function hostCommand(
  script: "login.sh" | "take-away.sh",
  root: string | undefined,
  name: string,
  ...args: readonly string[]
): string {
  const words = root === undefined ? [name, ...args] : ["sh", oneLine(root), name, ...args];
  return ["sh", "-c", oneLine(script), ...words].map(quote).join(" ");
}

/**
 * A script in one line without its comments. Each of its lines is whole by itself.
 * @throws {TypeError} when it has what not every shell reads alike in single quotes.
 */
export function oneLine(file: string): string {
  const text = readFileSync(new URL(file, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("; ");
  if (/['\\`!]/.test(text)) throw new TypeError(`${file} has a quote, a backslash or an exclamation mark`);
  return text;
}
