import { Command } from "commander";
import { pushBundle } from "../../offline-bundle/push.ts";
import { columns, size } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { addPolicyFlags, type PolicyFlags, tellWaived, verifyOptions } from "./policy-flags.ts";
import { registryAccess, type RegistryFlags, withRegistryOptions } from "./registry-options.ts";
import { print } from "../print.ts";

export function pushCommand(): Command {
  const command = new Command("push")
    .description("verifies a bundle and sends a registry what it does not have of it")
    .argument("<directory>", "the bundle")
    .argument("<registry>", "host[:port][/path]")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--check", "only compare: every tag has to stand for what was signed");
  return withRegistryOptions(addPolicyFlags(command))
    .addHelpText("after", examples)
    .action(async (directory: string, registry: string, flags: PushFlags) => {
      const access = await registryAccess(flags, command);
      const progress = progressLine();
      const pushed = await pushBundle(directory, registry, {
        ...verifyOptions(flags, progress),
        ...access,
        ...(flags.check === undefined ? {} : { check: true }),
        report: progress.report,
      }).finally(progress.end);
      tellWaived(flags, pushed);
      const rows = [
        ["registry", registry],
        ["bundle", `serial ${pushed.serial}, signed by ${pushed.signer}`],
        ["tags", `${pushed.tags}, ${pushed.current} of them were as signed already`],
        ...pushed.moved.map(({ ref, from, to }) => ["moved", `${ref} from ${from} to ${to}`]),
        ["sent", size(pushed.sentBytes)],
        ["skipped", `${size(pushed.skippedBytes)} that the registry has`],
      ];
      print(columns(rows));
    });
}

type PushFlags = RegistryFlags & PolicyFlags & { readonly check?: true };

const examples = `
An image keeps the name of its source: docker.io/library/hello:1 becomes <registry>/docker.io/library/hello:1. A host file
becomes <registry>/files/<name>:<version>-<os>-<arch>. It can be interrupted at any time and is then run again.

A registry that a host of the site runs needs none of this: pulumi up fills it. Its writer (port 5001) listens for its own host
alone, until registry.writerNetworks of the site file names the network of this machine.

Examples:
  $ sealift bundle push /srv/bundle harbor.corp:8443/infra --signers allowed_signers --signatures 2 \\
      --require-accepted --ca-file ca.crt
  $ pass registry | sealift bundle push /srv/bundle registry.site:5001 --signers allowed_signers --ca-file ca.crt \\
      --username operator --password-stdin`;
