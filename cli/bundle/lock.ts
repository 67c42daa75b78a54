import { Command } from "commander";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { lockBundle, type LockResult } from "../../offline-bundle/lock.ts";
import type { Difference } from "../../offline-bundle/lock-diff.ts";
import { columns } from "../columns.ts";
import { exitCode } from "../exit-code.ts";
import { progressLine } from "../progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../print.ts";

interface Flags {
  readonly file: string;
  readonly lock: string;
  readonly update?: readonly string[];
  readonly check?: true;
  readonly json?: true;
}

export function lockCommand(): Command {
  return new Command("lock")
    .description("resolves bundle.yaml to exact bytes; pins that are there are kept and checked")
    .option("--file <path>", "what the team wants", bundleFile)
    .option("--lock <path>", "the lock to bring up to date", lockFile)
    .option("--update <name...>", "resolve these anew: a file's name, an image's name")
    .option("--check", "write nothing; exit code 65 when the lock would change or a tag has moved")
    .option("--json", "print what is different as JSON")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      try {
        await lock(flags);
      } catch (error) {
        if (flags.json !== true || !(error instanceof SealiftError)) throw error;
        print(JSON.stringify({ ok: false, problems: error.problems }, undefined, 2));
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
  const outcome = written ? "written: review what changed" : changed ? "would change" : "unchanged";
  return [
    items,
    ...(differences.length > 0 ? [columns([["ITEM", "WHAT", "CHANGE"], ...differences.map(row)])] : []),
    `${file}: serial ${lock.serial}, ${outcome}`,
  ].join("\n\n");
}

function row({ item, what, from, to }: Difference): readonly string[] {
  return [item, what, [from ?? "nothing", "->", to ?? "nothing"].join(" ")];
}

const examples = `
Examples:
  $ sealift bundle lock && git diff offline-bundle/bundle.lock.yaml
  $ sealift bundle lock --update compose          take what its url gives now
  $ sealift bundle lock --check                   in a pipeline: is the lock what bundle.yaml asks for?`;
