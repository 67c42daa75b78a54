import { Command } from "commander";
import { acceptBundle, type AcceptedBundle } from "../../offline-bundle/accept.ts";
import { columns } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { printJson } from "./or-json.ts";
import { addPolicyFlags, type PolicyFlags, tellWaived, verifyOptions } from "./policy-flags.ts";
import { print } from "../print.ts";

type Flags = PolicyFlags & { readonly json?: true };

export function acceptCommand(): Command {
  const command = new Command("accept")
    .description("verifies a bundle and writes down that it was accepted: from then on no older one passes")
    .argument("<directory>", "the bundle")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS");
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
  tellWaived(flags, bundle);
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
    ["accepted", `${accepted.at} by ${accepted.by}${before ? ", as it stands there already" : ""}`],
    ...(accepted.insecure.length === 0 ? [] : [["insecure", accepted.insecure.join(" ")]]),
    ["written to", receipt],
    ...(first
      ? [["first entry", "nothing was accepted before; if there was a list, put it back and accept again"]]
      : []),
  ];
}

const examples = `
It is written to <signers>.accepted.json, a list that only grows; keep it in version control. pulumi, doctor and verify
read it, and refuse a lower serial than the last one.

Examples:
  $ sealift bundle accept /mnt/usb/bundle --signers stacks/allowed_signers --signatures 2
  $ sealift bundle accept /mnt/usb/bundle-6 --signers stacks/allowed_signers --insecure-allow-older   go back on purpose`;
