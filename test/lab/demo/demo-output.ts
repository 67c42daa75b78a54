/** What a demo does, said first as a person would type it. */
import { join } from "node:path";
import { runProcess } from "../../support/process/run-process.ts";
import { inSeconds } from "../../support/process/stage-view.ts";
import { checkout } from "../cache.ts";
import type { Guest } from "../guest.ts";
import { pulumi } from "../pulumi/pulumi.ts";
import { keepTranscript } from "./transcript.ts";

/** A fact of the summary, and how long it took to bring it about. */
export type Row = readonly [fact: string, seconds: string];

/** Does the work and adds it to the rows. */
export async function timed<T>(rows: Row[], fact: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  rows.push([fact, inSeconds((performance.now() - start) / 1000)]);
  return result;
}

/**
 * Runs pulumi with its output on the screen.
 * @param kept name under which the output is kept for the documentation; default: the verb.
 * @param lines which lines of it are kept; `[…]` stands for the others. Default all.
 * @param fails it has to fail.
 * @throws {Error} when it ends otherwise, or its output lacks one of `expectedTexts`.
 */
export async function shownPulumi(
  env: Readonly<Record<string, string>>,
  title: string,
  args: readonly string[],
  {
    expectedTexts = [],
    kept = args[0] ?? "",
    lines,
    fails = false,
  }: { expectedTexts?: readonly string[]; kept?: string; lines?: RegExp; fails?: boolean } = {},
): Promise<void> {
  console.log(`\n== ${title}\n$ pulumi ${args.join(" ")}`);
  const { exitCode, output } = await pulumi(args, { env, show: true });
  if ((exitCode !== 0) !== fails) throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}`);
  keepTranscript(
    kept,
    `$ pulumi ${args.join(" ")}\n${lines === undefined ? output : excerpt(output, lines)}`,
  );
  const absent = expectedTexts.filter((words) => !output.includes(words));
  if (absent.length > 0) throw new Error(`its output does not hold ${absent.join(", ")}`);
}

function excerpt(output: string, lines: RegExp): string {
  const marked = output.split("\n").map((line) => (lines.test(line) ? line : "[…]"));
  return marked.filter((line, at) => line !== "[…]" || marked[at - 1] !== line).join("\n");
}

/** Runs a verb of sealift from this checkout. @throws {Error} when it fails. */
export async function shownSealift(...words: readonly string[]): Promise<void> {
  console.log(`$ npx sealift ${words.join(" ")}`);
  const run = await runProcess(process.execPath, [join(checkout, "cli", "sealift.js"), ...words], {
    cwd: checkout,
  });
  process.stdout.write(run.stdout + run.stderr);
  if (run.exitCode !== 0) throw new Error(`sealift ${words.join(" ")} ended with ${run.exitCode}`);
}

/**
 * Runs a line of a shell in this checkout, in which `npx sealift` is the checkout's own.
 * @param kept name under which line and output are kept for the documentation.
 * @throws {Error} when it fails.
 */
export async function shownHere(
  line: string,
  kept: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  console.log(`$ ${line}`);
  const own = `npx() { shift; "$SEALIFT_NODE" ${join("cli", "sealift.js")} "$@"; }\n${line}`;
  const run = await runProcess("sh", ["-c", own], {
    cwd: checkout,
    env: { ...env, SEALIFT_NODE: process.execPath },
  });
  // Progress is for the moment.
  const said = run.stderr.replace(/^\d+ s +\d+% .*\n?/gm, "");
  const output = [run.stdout, said].filter((text) => text !== "").join("\n");
  console.log(output);
  if (run.exitCode !== 0) throw new Error(`${line} ended with ${run.exitCode}`);
  keepTranscript(kept, `$ ${line}\n${output}`);
}

/** Runs command lines on a guest, and keeps them with their output for the documentation. @throws {Error} when one fails. */
export async function keptOnHost(
  guest: Guest,
  kept: string,
  lines: readonly string[],
  login = guest.login,
): Promise<void> {
  const texts: string[] = [];
  for (const line of lines) texts.push(`$ ${line}\n${await shownOnHost(guest, line, login)}`.trimEnd());
  keepTranscript(kept, texts.join("\n\n"));
}

/** Runs a command line on a guest. @returns its output. @throws {Error} when it fails. */
export async function shownOnHost(
  guest: Guest,
  command: string,
  login = guest.login,
  input: Buffer | string = "",
): Promise<string> {
  console.log(`$ ssh ${login}@${guest.name} ${command}`);
  const { stdout, stderr, exitCode } = await guest.exec(command, { login, input });
  process.stdout.write(stdout);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
  return stdout;
}
