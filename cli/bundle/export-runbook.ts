import { Command } from "commander";
import { visibleLines } from "../../modules/core/visible.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { print } from "../output/print.ts";
import { progressLine } from "../output/progress.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";

type Flags = PolicyFlags & { readonly output?: string };

export function runbookCommand(): Command {
  const command = new Command("export-runbook")
    .description("Verify a bundle and write a runbook for checking and unpacking it without Sealift")
    .argument("<directory>", "the bundle")
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("-o, --output <path>", "output file (default: stdout)");
  return addPolicyFlags(command)
    .addHelpText("after", examples)
    .action(async (directory: string, flags: Flags) => {
      const { output } = flags;
      const progress = progressLine();
      const bundle = await verifyBundle(directory, verifyOptions(flags, progress)).finally(progress.end);
      printOverridden(flags, bundle);
      const text = visibleLines(runbookOf(bundle));
      if (output === undefined) {
        print(text.trimEnd());
        return;
      }
      await writeAtomically(output, text);
      print(output);
    });
}

const examples = `
Example:
  $ sealift bundle export-runbook out/bundle --allowed-signers stacks/allowed_signers -o /media/usb/runbook.md`;
