/** `sealift restore <env> <app>`: puts the data of an application back from a backup. */
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import { backedApps } from "../modules/core/site/backed-apps.ts";
import type { ListedBackup, Restorable } from "../modules/rollout/restore.ts";
import { columns, size } from "./output/columns.ts";
import { printJson } from "./output/or-json.ts";
import { print, printPainted } from "./output/print.ts";

interface Flags {
  readonly from?: string;
  readonly onto?: string;
  readonly list?: true;
  readonly undo?: true;
  readonly confirm?: string;
  readonly json?: true;
}

export function restoreCommand(): Command {
  return new Command("restore")
    .description(
      "Put the data of an application back from a backup; present data is moved aside, never deleted",
    )
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .argument("<app>", "name of the application, or _registry")
    .option("--from <time>", "the newest good backup at or before this time; latest; or the id of a snapshot")
    .option("--onto <host>", "its host; needed when several hosts run it")
    .option("--list", "print the good backups, and change nothing")
    .option("--undo", "put back what was there before the last restore")
    .option("--confirm <app>", "the name of the application, instead of the question on a terminal")
    .option("--json", "with --list: print the complete list as JSON")
    .addHelpText("after", examples)
    .action(async (environment: string, app: string, flags: Flags) => {
      // The rules of a site take longer to load than most other commands take in total.
      const { restorable, restorableOn, restoreApp, undoRestore } =
        await import("../modules/rollout/restore.ts");
      const { from, onto, list, undo, json } = flags;
      const ask = (): Promise<Restorable> =>
        restorable(environment, app, {
          ...(from === undefined ? {} : { from }),
          ...(onto === undefined ? {} : { onto }),
        });
      if (list === true && json === true) {
        await printJson(async () => {
          const { host, running, unfinished, backups } = await ask();
          return { environment, app, host: host.name, running, unfinished, backups };
        });
        return;
      }
      if (list !== true && undo !== true && from === undefined) throw usageOf("no --from", "--from <time>");
      if (undo === true && list !== true) {
        // Without the list of backups: it works when the store is gone.
        const last = await restorableOn(environment, app, onto);
        print(`${last.host.name}: undoes the last restore of ${app}`);
        print(`  stops all services of ${app}`);
        await confirmed(app, flags.confirm);
        await undoRestore(last, print);
        return;
      }
      const found = await ask();
      if (list === true) {
        printPainted(backupsText(found));
        return;
      }
      const [backup] = found.backups;
      if (backup === undefined) throw usageOf("no good backup", "one at or before this time");
      print(restoreText(found, backup));
      await confirmed(app, flags.confirm);
      await restoreApp(found, backup.snapshot, print);
    });
}

/** What would happen, before the question. */
export function restoreText(found: Restorable, backup: ListedBackup): string {
  const { host, app, unfinished } = found;
  const { time, release, bytes, snapshot, files, dumps } = backup;
  const data = Object.keys([...host.apps, ...backedApps(host)].find(({ name }) => name === app)?.data ?? {});
  const kept = data.filter((service) => ![...files, ...dumps].includes(service));
  return [
    `${host.name} (${host.address}): restores ${app}`,
    `  data of ${moment(time)}, release ${release}, ${size(bytes)}, snapshot ${snapshot.slice(0, 8)}`,
    ...(unfinished === undefined
      ? []
      : [`  goes on with an interrupted restore of ${unfinished.snapshot.slice(0, 8)} (${unfinished.step})`]),
    ...kept.map((service) => `  the backup has nothing of ${service}, which keeps its present data`),
    `  stops ${found.running.length === 0 ? "nothing: no service runs" : found.running.join(", ")}`,
    "  present data is moved aside, and stays on the host",
  ].join("\n");
}

/** One row for each backup, the newest last. */
export function backupsText({ backups }: Pick<Restorable, "backups">): string {
  return columns([
    ["time", "snapshot", "release", "size", "files", "dumps"],
    ...backups.map(({ time, snapshot, release, bytes, files, dumps }) => [
      ...[moment(time), snapshot.slice(0, 8), release, size(bytes)],
      ...[files.join(",") || "-", dumps.join(",") || "-"],
    ]),
  ]);
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** @throws {E_RESTORE} without the name. */
async function confirmed(app: string, given: string | undefined): Promise<void> {
  const answer = given ?? (await answerOnTerminal(`Type the name of the application to go on: `));
  if (answer === app) return;
  throw usageOf(
    answer === undefined ? "no --confirm, and no terminal to ask on" : JSON.stringify(answer),
    `the name of the application: --confirm ${app}`,
  );
}

async function answerOnTerminal(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

function usageOf(found: string, expected: string): SealiftError {
  const fix = "correct the command line; nothing has changed";
  return new SealiftError([
    { where: "sealift restore", code: "E_RESTORE", subject: "command line", found, expected, fix },
  ]);
}

const examples = `
The host does the work: a cut connection does not stop it, and the same command follows it again. After a power cut the same command
goes on where it stopped. A lost host: pulumi up on a new machine of the same name, then restore.

Examples:
  $ sealift restore prod shop --list                          good backups: time, release, size, content
  $ sealift restore prod shop --from 2026-11-28T02:40         the newest backup at or before this time, after a question
  $ sealift restore prod shop --from latest --confirm shop    without a terminal
  $ sealift restore prod shop --undo                          what was there before the last restore
  $ sealift restore prod _registry --from latest              the content of the registry`;
