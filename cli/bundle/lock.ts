import { Command } from "commander";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { lockBundle, type LockResult } from "../../offline-bundle/lock.ts";
import type { LockDifference } from "../../offline-bundle/locking/lock-diff.ts";
import { columns } from "../output/columns.ts";
import { jsonProblem } from "../output/json-problem.ts";
import { exitCode } from "../output/exit-code.ts";
import { progressLine } from "../output/progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../output/print.ts";

interface Flags {
  readonly file: string;
  readonly lock: string;
  readonly update?: readonly string[];
  readonly check?: true;
  readonly json?: true;
}

export function lockCommand(): Command {
  return new Command("lock")
    .description("Resolve bundle.yaml to exact digests; existing pins are kept and verified")
    .option("--file <path>", "bundle specification", bundleFile)
    .option("--lock <path>", "lock file to update", lockFile)
    .option("--update <name...>", "resolve these files or images again, by name")
    .option("--check", "write nothing; exit with 65 if the lock would change or a tag has moved")
    .option("--json", "print the differences as JSON")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      try {
        await lock(flags);
      } catch (error) {
        if (flags.json !== true || !(error instanceof SealiftError)) throw error;
        print(JSON.stringify({ ok: false, problems: error.problems.map(jsonProblem) }, undefined, 2));
        process.exitCode = exitCode(error);
      }
    });
}

async function lock(flags: Flags): Promise<void> {
  const progress = progressLine();
  const result = await lockBundle({
    bundleFile: flags.file,
    lockFile: flags.lock,
    store,
    update: flags.update ?? [],
    check: flags.check === true,
    report: progress.report,
    warn: (problem) => {
      printError(`warning: ${formatProblem(problem)}`);
    },
  }).finally(progress.end);
  if (flags.json === true) print(JSON.stringify(forScripts(flags.lock, result), undefined, 2));
  else print(forPeople(flags.lock, result));
  if (flags.check === true && result.changed) process.exitCode = 65;
}

function forScripts(file: string, { lock, changed, written, changes, differences }: LockResult): object {
  return { ok: true, lock: file, serial: lock.serial, changed, written, items: changes, differences };
}

function forPeople(file: string, { lock, changed, written, changes, differences }: LockResult): string {
  const items = columns(changes.map(({ item, change }) => [change, item]));
  const outcome = written ? "written: review the changes" : changed ? "would change" : "unchanged";
  return [
    items,
    ...(differences.length > 0 ? [columns([["ITEM", "WHAT", "CHANGE"], ...differences.map(row)])] : []),
    `${file}: serial ${lock.serial}, ${outcome}`,
  ].join("\n\n");
}

function row({ item, what, from, to }: LockDifference): readonly string[] {
  return [item, what, [from ?? "nothing", "->", to ?? "nothing"].join(" ")];
}

const examples = `
Examples:
  $ sealift bundle lock && git diff offline-bundle/bundle.lock.yaml
  $ sealift bundle lock --update compose          pin what its url serves now
  $ sealift bundle lock --check                   for pipelines: fail if the lock is out of date`;
