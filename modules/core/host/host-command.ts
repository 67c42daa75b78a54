/** A command line for a host whose SSH user may have any shell. */
import { readFileSync } from "node:fs";
import { quote } from "../quote.ts";

/**
 * Runs sh on the host: sshd passes a command line to the user's own shell (sshd(8), LOGIN PROCESS), and only words, single quotes
 * and comments mean the same to sh, bash, rbash, zsh, ksh, fish and tcsh.
 *
 * @param script file beside this one, run as the SSH user; `$1` is the text of `root` when there is one.
 * @param root file beside this one, run as root by login.sh.
 * @param name its name there.
 * @param args arguments of the script that does the work.
 */
export function hostCommand(
  script: "login.sh" | "remove-trial.sh",
  root: string | undefined,
  name: string,
  ...args: readonly string[]
): string {
  const words = root === undefined ? [name, ...args] : ["sh", shellOneLiner(root), name, ...args];
  return ["sh", "-c", shellOneLiner(script), ...words].map(quote).join(" ");
}

/** A script that Sealift has placed on hosts below /opt/sealift, and that people run by hand as well. */
export type HostScript = "backup/restore" | "backup/receipts";

/** @param args no value of others stands where the script reads an option. */
export function hostScriptCommand(script: HostScript, args: readonly string[]): string {
  return hostCommand("login.sh", "host-script.sh", "script", script, ...args);
}

/**
 * The command line of a Command. Pulumi shows it with every failure and stores it in the state, so it describes the work in words
 * that every shell accepts literally; the work itself comes on standard input.
 *
 * @param why the work, in letters, digits, commas and spaces. Default: unknown.
 */
export function applyCommand(host: string, phase: string, why?: string): string {
  return `sh -s Sealift: ${phase} of ${host}${why === undefined ? "" : `, ${why}`}`;
}

/**
 * The standard input of the command: a shell reads it up to the plan, which goes to root. A truncated input does nothing: the
 * first line is one command, and a plan has a last line.
 *
 * @param plan no line of it is `SEALIFT_PLAN`: quote() refuses line ends.
 */
export function applyInput(sha256: string, plan: string): string {
  const launch = hostCommand("login.sh", "launch.sh", "launch", sha256);
  return `exec ${launch} <<'SEALIFT_PLAN'\n${plan}SEALIFT_PLAN\n`;
}

/**
 * A script on one line without its comments. Each of its lines is complete by itself.
 *
 * @throws {TypeError} for characters that not every shell reads alike in single quotes.
 */
function shellOneLiner(file: string): string {
  const text = readFileSync(new URL(file, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("; ");
  if (/['\\`!]/.test(text)) throw new TypeError(`${file} has a quote, a backslash or an exclamation mark`);
  return text;
}
