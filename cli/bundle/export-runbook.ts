import { rename, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { runbookOf } from "../../offline-bundle/runbook.ts";

export function runbookCommand(): Command {
  return new Command("export-runbook")
    .description("writes how to check this bundle and take it apart by hand, without Sealift")
    .argument("<directory>", "the bundle")
    .option("-o, --output <path>", "write it to a file")
    .addHelpText("after", "\nExample:\n  $ sealift bundle export-runbook out/bundle -o /media/usb/runbook.md")
    .action(async (directory: string, { output }: { readonly output?: string }) => {
      const text = await runbookOf(directory);
      if (output === undefined) {
        process.stdout.write(text);
        return;
      }
      await writeFile(`${output}.part`, text);
      await rename(`${output}.part`, output);
      console.log(output);
    });
}
