/** `sealift secret rekey <env>`: encrypts secrets for the hosts that need them now. */
import { Command } from "commander";
import { refuse } from "../../modules/core/errors.ts";
import { rekeySecrets } from "../../modules/secrets/change.ts";
import { recipientProblems, secretFiles } from "../../modules/secrets/recipients.ts";
import { readSecretFile } from "../../modules/secrets/secret-files.ts";
import { print } from "../output/print.ts";
import { environmentSecrets } from "./site-secrets.ts";

interface Flags {
  readonly identity: string;
  readonly all?: true;
}

export function secretRekeyCommand(): Command {
  return new Command("rekey")
    .description("Encrypt secrets again: after a change of hosts, host keys or the recovery key")
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .requiredOption("--identity <file>", "the private recovery key with which they were encrypted")
    .option("--all", "also those whose recipients are right: after a change of the recovery key")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      const { hosts, recoveryKey, siteFile } = await environmentSecrets(environment);
      const files = secretFiles(hosts, readSecretFile);
      refuse(recipientProblems(files, siteFile).filter(({ code }) => code === "E_SECRET_FILE"));
      const written = await rekeySecrets(files, {
        recoveryKey,
        identity: flags.identity,
        all: flags.all === true,
      });
      print(
        written.length === 0
          ? "nothing to do: every secret is encrypted for its hosts"
          : written.map((file) => `${file}: encrypted again`).join("\n"),
      );
    });
}

const examples = `
A host that could decrypt a secret knows its value: after a host is removed, or its key may be known to others, also change the
value with sealift secret edit.

Examples:
  $ sealift secret rekey prod --identity /media/safe/recovery.key
  $ sealift secret rekey prod --identity /media/safe/old-recovery.key --all`;
