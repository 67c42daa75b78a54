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
 * @throws {Error} when it fails, or its output lacks one of the words in `mustHold`.
 */
export async function shownPulumi(
  env: Readonly<Record<string, string>>,
  title: string,
  args: readonly string[],
  { expectedTexts = [], kept = args[0] ?? "" }: { expectedTexts?: readonly string[]; kept?: string } = {},
): Promise<void> {
  console.log(`\n== ${title}\n$ pulumi ${args.join(" ")}`);
  const { exitCode, output } = await pulumi(args, { env, show: true });
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}`);
  keepTranscript(kept, `$ pulumi ${args.join(" ")}\n${output}`);
  const absent = expectedTexts.filter((words) => !output.includes(words));
  if (absent.length > 0) throw new Error(`its output does not hold ${absent.join(", ")}`);
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
