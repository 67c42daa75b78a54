import { Command } from "commander";
import { visibleLines } from "../../modules/core/visible.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { writeWhole } from "../../modules/core/write-whole.ts";
import { print } from "../print.ts";
import { progressLine } from "../progress.ts";
import { addPolicyFlags, type PolicyFlags, tellWaived, verifyOptions } from "./policy-flags.ts";

type Flags = PolicyFlags & { readonly output?: string };

export function runbookCommand(): Command {
  const command = new Command("export-runbook")
    .description("verifies a bundle and writes how to check it and take it apart by hand, without Sealift")
    .argument("<directory>", "the bundle")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("-o, --output <path>", "write it to a file");
  return addPolicyFlags(command)
    .addHelpText("after", examples)
    .action(async (directory: string, flags: Flags) => {
      const { output } = flags;
      const progress = progressLine();
      const bundle = await verifyBundle(directory, verifyOptions(flags, progress)).finally(progress.end);
      tellWaived(flags, bundle);
      const text = visibleLines(runbookOf(bundle));
      if (output === undefined) {
        print(text.trimEnd());
        return;
      }
      await writeWhole(output, text);
      print(output);
    });
}

const examples = `
Example:
  $ sealift bundle export-runbook out/bundle --signers stacks/allowed_signers -o /media/usb/runbook.md`;
