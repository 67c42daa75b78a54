import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { rebuildAndCompare } from "../../offline-bundle/rebuild.ts";
import { columns, count, size } from "../output/columns.ts";
import { print, printError } from "../output/print.ts";
import { progressLine } from "../output/progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";

export function rebuildCommand(): Command {
  return new Command("rebuild")
    .description(
      "Build the same lock again and compare the result byte for byte with another person's bundle",
    )
    .requiredOption("--compare <directory>", "the other person's bundle")
    .option("--file <path>", "bundle specification", bundleFile)
    .option("--lock <path>", "lock file that you have reviewed", lockFile)
    .option("--keep <directory>", "keep the new build here (default: remove it after the comparison)")
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
        ["manifest", `sha256 ${rebuilt.textSha256}`],
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
Files come from the sources in the lock or from your own cache, never from the compared bundle. Both builds need the same version of oras.
Exit code: 0 if all files are equal, 65 if one differs, 66 if there is no bundle.

Examples:
  $ sealift bundle rebuild --compare /mnt/share/bundle
  $ sealift bundle rebuild --compare /mnt/share/bundle --keep out/mine && sealift bundle sign /mnt/share/bundle --as out/mine --key ~/.ssh/id_ed25519`;
