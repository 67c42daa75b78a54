import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { rebuildAndCompare } from "../../offline-bundle/rebuild.ts";
import { columns, count, size } from "../columns.ts";
import { print, printError } from "../print.ts";
import { progressLine } from "../progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";

export function rebuildCommand(): Command {
  return new Command("rebuild")
    .description(
      "Build the same lock again and compare it, byte for byte, with the bundle that somebody else has built",
    )
    .requiredOption("--compare <directory>", "the bundle that somebody else has built")
    .option("--file <path>", "what the team wants", bundleFile)
    .option("--lock <path>", "the pins, as you have reviewed them", lockFile)
    .option("--keep <directory>", "keep what is built here (default: remove it after the comparison)")
    .addHelpText("after", examples)
    .action(async ({ compare, file, lock, keep }: RebuildFlags) => {
      const progress = progressLine();
      const rebuilt = await rebuildAndCompare({
        compare,
        bundleFile: file,
        lockFile: lock,
        store,
        ...(keep === undefined ? {} : { keep }),
        report: progress.report,
        warn: (problem) => {
          printError(`warning: ${formatProblem(problem)}`);
        },
      }).finally(progress.end);
      const rows = [
        ["bundle", compare],
        ["serial", String(rebuilt.serial)],
        ["lock", `sha256 ${rebuilt.lockSha256}`],
        ["text", `sha256 ${rebuilt.textSha256}`],
        [
          "same",
          `${count(rebuilt.files, "file")}, ${size(rebuilt.bytes)}, byte for byte; signatures are not compared`,
        ],
      ];
      print(columns(rows));
    });
}

interface RebuildFlags {
  readonly compare: string;
  readonly file: string;
  readonly lock: string;
  readonly keep?: string;
}

const examples = `
Files come from where the lock says, or from your own cache, never from the bundle that is compared. The oras of both people has to be
the same version. It ends with 0 when every file is the same, with 65 when one differs, with 66 without a bundle.

Examples:
  $ sealift bundle rebuild --compare /mnt/share/bundle
  $ sealift bundle rebuild --compare /mnt/share/bundle --keep out/mine && sealift bundle sign /mnt/share/bundle --as out/mine --key ~/.ssh/id_ed25519`;
