import { Command } from "commander";
import { acceptBundle, type AcceptedBundle } from "../../offline-bundle/accept.ts";
import { columns } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { printJson } from "../output/or-json.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

type Flags = PolicyFlags & { readonly json?: true };

export function acceptCommand(): Command {
  const command = new Command("accept")
    .description("Verify a bundle and record it as accepted; older bundles are refused from then on")
    .argument("<directory>", "bundle directory")
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS");
  return addPolicyFlags(command)
    .option("--json", "print the result, or all problems, as JSON")
    .addHelpText("after", examples)
    .action(async (directory: string, flags: Flags) => {
      if (flags.json === true) {
        await printJson(async () => {
          const { receipt, accepted, before } = await accept(directory, flags);
          return { directory, receipt, before, accepted };
        });
      } else print(columns(rows(await accept(directory, flags))));
    });
}

async function accept(directory: string, flags: PolicyFlags): Promise<AcceptedBundle> {
  const progress = progressLine();
  const bundle = await acceptBundle(directory, verifyOptions(flags, progress)).finally(progress.end);
  printOverridden(flags, bundle);
  return bundle;
}

function rows({
  directory,
  serial,
  signers,
  receipt,
  accepted,
  before,
  first,
}: AcceptedBundle): readonly string[][] {
  return [
    ["bundle", directory],
    ["serial", String(serial)],
    ["signed by", signers.join(", ") || "nobody"],
    ["accepted", `${accepted.at} by ${accepted.by}${before ? ", recorded before" : ""}`],
    ...(accepted.insecure.length === 0 ? [] : [["insecure", accepted.insecure.join(" ")]]),
    ["list", receipt],
    ...(first
      ? [
          [
            "first record",
            "this starts the list of accepted bundles; if this site already had one, restore that file and run accept again",
          ],
        ]
      : []),
  ];
}

const examples = `
The record goes to <signers>.accepted.json, an append-only list; keep it in version control. pulumi, doctor and verify read
it, and refuse a bundle with a lower serial than the last accepted one.

Examples:
  $ sealift bundle accept /mnt/usb/bundle --allowed-signers stacks/allowed_signers --min-signatures 2
  $ sealift bundle accept /mnt/usb/bundle-6 --allowed-signers stacks/allowed_signers --insecure-allow-older   deliberate rollback`;
