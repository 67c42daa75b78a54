import { stat } from "node:fs/promises";
import { Command } from "commander";
import { holderName } from "../../offline-bundle/delta.ts";
import { inventoryOfBundle, inventoryOfRegistry } from "../../offline-bundle/inventory.ts";
import { columns, size } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { registryAccess, type RegistryFlags, withRegistryOptions } from "./registry-options.ts";
import { writeWhole } from "../../modules/core/write-whole.ts";
import { print, printError } from "../print.ts";

export function inventoryCommand(): Command {
  const command = new Command("inventory")
    .description("lists the digests that the far side has, so that a build can leave them out")
    .argument("<place>", "the directory of a bundle, or a registry: host[:port][/path]")
    .option("--json", "print the inventory")
    .option("-o, --output <path>", "write the inventory to a file");
  return withRegistryOptions(command)
    .addHelpText("after", examples)
    .action(async (place: string, flags: InventoryFlags) => {
      const access = await registryAccess(flags, command);
      const progress = progressLine();
      const work = (await isDirectory(place))
        ? inventoryOfBundle(place, (bytes, total) => {
            progress.report(`reading ${size(total)}`, bytes / total);
          })
        : inventoryOfRegistry(place, access, progress.report);
      const { inventory, bytes, broken } = await work.finally(progress.end);
      const text = `${JSON.stringify(inventory, undefined, 2)}\n`;
      if (flags.output !== undefined) {
        await writeWhole(flags.output, text);
      }
      for (const name of broken) printError(`${place}: ${name} is not what it must be, and not listed`);
      if (flags.json === true) print(text.trimEnd());
      else
        print(
          columns([
            ["of", holderName(inventory.of)],
            ["digests", `${inventory.digests.length}, ${size(bytes)}`],
            ...(flags.output === undefined ? [] : [["written", flags.output]]),
          ]),
        );
    });
}

interface InventoryFlags extends RegistryFlags {
  readonly json?: true;
  readonly output?: string;
}

/** A path that is there, or that is written as one. */
async function isDirectory(place: string): Promise<boolean> {
  return /^[./~]/.test(place) || (await stat(place).catch(() => undefined)) !== undefined;
}

const examples = `
Examples:
  $ sealift bundle inventory /srv/bundle -o inventory.json
  $ sealift bundle inventory registry.site:5000 --ca-file ca.crt --json > inventory.json`;
