import { stat } from "node:fs/promises";
import { Command } from "commander";
import { holderName } from "../../offline-bundle/archive/delta.ts";
import { inventoryOfBundle, inventoryOfRegistry } from "../../offline-bundle/inventory.ts";
import { columns, size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { registryAccess, type RegistryFlags, withRegistryOptions } from "./registry-options.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { print, printError } from "../output/print.ts";

export function inventoryCommand(): Command {
  const command = new Command("inventory")
    .description("List the digests that the air-gapped side has, so that a delta can omit them")
    .argument("<place>", "directory of a bundle, or a registry: host[:port][/path]")
    .option("--json", "print the inventory as JSON")
    .option("-o, --output <path>", "write the inventory to this file");
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
        await writeAtomically(flags.output, text);
      }
      for (const name of broken) printError(`${place}: ${name} does not match its digest and is not listed`);
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

/** Whether the argument is a directory: an existing one, or a text that is written like a path. */
async function isDirectory(place: string): Promise<boolean> {
  return /^[./~]/.test(place) || (await stat(place).catch(() => undefined)) !== undefined;
}

const examples = `
Examples:
  $ sealift bundle inventory /srv/bundle -o inventory.json
  $ sealift bundle inventory registry.site:5000 --ca-file ca.crt --json > inventory.json`;
