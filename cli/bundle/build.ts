import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { carryBundle } from "../../offline-bundle/carry.ts";
import { progressLine } from "../progress.ts";
import { carriedText, type CarryFlags, carryOptions, withCarryOptions } from "./carry-options.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../print.ts";

export function buildCommand(): Command {
  const command = new Command("build")
    .description("packs exactly what the lock pins into a bundle, and signs it")
    .argument("<directory>", "where the bundle goes; an earlier bundle there is replaced")
    .option("--file <path>", "what the team wants", bundleFile)
    .option("--lock <path>", "the pins", lockFile)
    .option("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .option("--carry <file>", "also pack it into a .tar.zst; an earlier one there is replaced");
  return withCarryOptions(command)
    .addHelpText("after", examples)
    .action(async (directory: string, flags: BuildFlags) => {
      const { file, lock, key, carry } = flags;
      if (carry === undefined && (flags.split ?? flags.have ?? flags.level) !== undefined)
        command.error("error: --split, --have and --level are about the file that --carry names");
      const progress = progressLine();
      const { report } = progress;
      const seal = await buildBundle({
        bundleFile: file,
        lockFile: lock,
        store,
        directory,
        report,
        ...(key === undefined ? {} : { key }),
        ...(carry === undefined ? {} : { carry }),
        warn: (problem) => {
          printError(`warning: ${formatProblem(problem)}`);
        },
      }).finally(progress.end);
      const signed = key === undefined ? "unsigned: verify will refuse it" : "signed";
      print(`${directory}: serial ${seal.serial}, ${seal.manifests.length} manifests, ${signed}`);
      if (carry === undefined) return;
      const options = { ...carryOptions(carry, flags), report };
      print(carriedText(await carryBundle(directory, options).finally(progress.end)));
    });
}

interface BuildFlags extends CarryFlags {
  readonly file: string;
  readonly lock: string;
  readonly key?: string;
  readonly carry?: string;
}

const examples = `
Examples:
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519 --carry /media/usb/bundle.tar.zst --split 4095MiB
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519 --carry out/delta.tar.zst --have inventory.json`;
