import { Command } from "commander";
import { carryBundle } from "../../offline-bundle/carry.ts";
import { progressLine } from "../progress.ts";
import { carriedText, type CarryFlags, carryOptions, withCarryOptions } from "./carry-options.ts";
import { print } from "../print.ts";

export function packCommand(): Command {
  const command = new Command("pack")
    .description("packs a bundle that is built into one file, or into parts, to be carried")
    .argument("<directory>", "the bundle")
    .argument("<file>", "where it goes: a name that ends in .tar.zst; an earlier one there is replaced");
  return withCarryOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift bundle pack out/bundle /media/usb/bundle.tar.zst --split 4095MiB",
    )
    .action(async (directory: string, file: string, flags: CarryFlags) => {
      const progress = progressLine();
      const options = { ...carryOptions(file, flags), report: progress.report };
      print(carriedText(await carryBundle(directory, options).finally(progress.end)));
    });
}
