import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { progressLine } from "../output/progress.ts";
import { packedText, type PackFlags, packOptions, withPackOptions } from "./pack-options.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../output/print.ts";

export function buildCommand(): Command {
  const command = new Command("build")
    .description("Build a bundle with exactly what the lock pins, and sign it")
    .argument("<directory>", "output directory; an existing bundle there is replaced")
    .option("--file <path>", "bundle specification", bundleFile)
    .option("--lock <path>", "lock file", lockFile)
    .option(
      "--key <path>",
      "ssh key to sign with; for a public key, the private key is taken from the ssh-agent",
    )
    .option(
      "--archive <file>",
      "also pack the bundle into this .tar.zst archive; an existing one is replaced",
    );
  return withPackOptions(command)
    .addHelpText("after", examples)
    .action(async (directory: string, flags: BuildFlags) => {
      const { file, lock, key, archive } = flags;
      if (
        archive === undefined &&
        (flags.split ?? flags.excludeInventory ?? flags.compressionLevel) !== undefined
      )
        command.error("error: --split, --exclude-inventory and --compression-level require --archive");
      const progress = progressLine();
      const { report } = progress;
      const bundleManifest = await buildBundle({
        bundleFile: file,
        lockFile: lock,
        store,
        directory,
        report,
        ...(key === undefined ? {} : { key }),
        ...(archive === undefined ? {} : { carry: archive }),
        warn: (problem) => {
          printError(`warning: ${formatProblem(problem)}`);
        },
      }).finally(progress.end);
      const signed = key === undefined ? "unsigned: verify refuses it" : "signed";
      print(
        `${directory}: serial ${bundleManifest.serial}, ${bundleManifest.manifests.length} manifests, ${signed}`,
      );
      if (archive === undefined) return;
      const options = { ...packOptions(archive, flags), report };
      print(packedText(await packBundle(directory, options).finally(progress.end)));
    });
}

interface BuildFlags extends PackFlags {
  readonly file: string;
  readonly lock: string;
  readonly key?: string;
  readonly archive?: string;
}

const examples = `
Examples:
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519 --archive /media/usb/bundle.tar.zst --split 4095MiB
  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519 --archive out/delta.tar.zst --exclude-inventory inventory.json`;
