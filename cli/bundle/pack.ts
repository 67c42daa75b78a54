import { Command } from "commander";
import { packBundle } from "../../offline-bundle/pack.ts";
import { progressLine } from "../output/progress.ts";
import { packedText, type PackFlags, packOptions, withPackOptions } from "./pack-options.ts";
import { print } from "../output/print.ts";

export function packCommand(): Command {
  const command = new Command("pack")
    .description("Pack a bundle into one archive, or into parts, for transport")
    .argument("<directory>", "the bundle")
    .argument("<file>", "output file, ending in .tar.zst; an existing one is replaced");
  return withPackOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift bundle pack out/bundle /media/usb/bundle.tar.zst --split 4095MiB",
    )
    .action(async (directory: string, file: string, flags: PackFlags) => {
      const progress = progressLine();
      const options = { ...packOptions(file, flags), report: progress.report };
      print(packedText(await packBundle(directory, options).finally(progress.end)));
    });
}
