import { Command } from "commander";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { columns } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";

export function lockCommand(): Command {
  return new Command("lock")
    .description("resolves bundle.yaml to exact bytes; pins that are there are kept and checked")
    .option("--file <path>", "what the team wants", bundleFile)
    .option("--lock <path>", "the lock to bring up to date", lockFile)
    .addHelpText("after", "\nExample:\n  $ sealift bundle lock && git diff offline-bundle/bundle.lock.yaml")
    .action(async (options: { file: string; lock: string }) => {
      const progress = progressLine();
      const { lock, changes, written } = await lockBundle({
        bundleFile: options.file,
        lockFile: options.lock,
        store,
        report: progress.report,
      }).finally(progress.end);
      console.log(columns(changes.map(({ item, change }) => [change, item])));
      console.log(
        `${options.lock}: serial ${lock.serial}, ${written ? "written: review the diff" : "unchanged"}`,
      );
    });
}
