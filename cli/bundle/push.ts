import { Command } from "commander";
import { pushBundle } from "../../offline-bundle/push.ts";
import { columns, size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";
import { registryAccess, type RegistryFlags, withRegistryOptions } from "./registry-options.ts";
import { print } from "../output/print.ts";

export function pushCommand(): Command {
  const command = new Command("push")
    .description("Verify a bundle and push the missing blobs to a registry")
    .argument("<directory>", "the bundle")
    .argument("<registry>", "host[:port][/path]")
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--check", "push nothing; check that every tag has the signed digest");
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
      printOverridden(flags, pushed);
      const rows = [
        ["registry", registry],
        ["bundle", `serial ${pushed.serial}, signed by ${pushed.signer}`],
        ["tags", `${pushed.tags}, ${pushed.current} of them already as signed`],
        ...pushed.moved.map(({ ref, from, to }) => ["moved", `${ref} from ${from} to ${to}`]),
        ["sent", size(pushed.sentBytes)],
        ["skipped", `${size(pushed.skippedBytes)} already in the registry`],
      ];
      print(columns(rows));
    });
}

type PushFlags = RegistryFlags & PolicyFlags & { readonly check?: true };

const examples = `
An image keeps the name of its source: docker.io/library/hello:1 becomes <registry>/docker.io/library/hello:1. A host file
becomes <registry>/files/<name>:<version>-<os>-<arch>. After an interruption, run the command again.

pulumi up fills a registry that runs on a host of the site; no push is needed. The writer of that registry (port 5001) accepts only its
own host, unless registry.writerNetworks in the site file lists the network of this machine.

Examples:
  $ sealift bundle push /srv/bundle harbor.corp:8443/infra --allowed-signers allowed_signers --min-signatures 2 \\
      --require-accepted --ca-file ca.crt
  $ pass registry | sealift bundle push /srv/bundle registry.site:5001 --allowed-signers allowed_signers --ca-file ca.crt \\
      --username operator --password-stdin`;
