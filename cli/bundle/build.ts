import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { progressLine } from "../progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";

export function buildCommand(): Command {
  return new Command("build")
    .description("packs exactly what the lock pins into a bundle, and signs it")
    .argument("<directory>", "where the bundle goes; an earlier bundle there is replaced")
    .option("--file <path>", "what the team wants", bundleFile)
    .option("--lock <path>", "the pins", lockFile)
    .option("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .addHelpText("after", "\nExample:\n  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519")
    .action(async (directory: string, options: { file: string; lock: string; key?: string }) => {
      const progress = progressLine();
      const seal = await buildBundle({
        bundleFile: options.file,
        lockFile: options.lock,
        store,
        directory,
        report: progress.report,
        warn: (problem) => {
          console.error(`warning: ${formatProblem(problem)}`);
        },
        ...(options.key === undefined ? {} : { key: options.key }),
      }).finally(progress.end);
      const signed = options.key === undefined ? "unsigned: verify will refuse it" : "signed";
      console.log(`${directory}: serial ${seal.serial}, ${seal.manifests.length} manifests, ${signed}`);
    });
}
