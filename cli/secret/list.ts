/** `sealift secret list <env>`: the secrets of an environment and who can decrypt them. Decrypts nothing. */
import { Command } from "commander";
import { SealiftError } from "../../modules/core/errors.ts";
import {
  differenceText,
  isCurrent,
  recipientProblems,
  secretFiles,
  type SecretFile,
} from "../../modules/secrets/recipients.ts";
import { readSecretFile } from "../../modules/secrets/secret-files.ts";
import { columns } from "../output/columns.ts";
import { exitCode } from "../output/exit-code.ts";
import { print } from "../output/print.ts";
import { environmentSecrets } from "./site-secrets.ts";

export function secretListCommand(): Command {
  return new Command("list")
    .description("List the secrets of an environment, and whether their hosts can decrypt them")
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--json", "print as JSON")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: { readonly json?: true }) => {
      const { hosts, siteFile } = await environmentSecrets(environment);
      const files = secretFiles(hosts, readSecretFile);
      const rows = files.map(row);
      if (flags.json === true) print(JSON.stringify(rows, undefined, 2));
      else if (rows.length === 0) print("no application has secrets");
      else
        print(
          columns(rows.map((one) => [one.file, one.secrets.join(", "), one.hosts.join(", "), one.state])),
        );
      const problems = recipientProblems(files, siteFile);
      if (problems.length > 0) process.exitCode = exitCode(new SealiftError(problems));
    });
}

function row({ file, uses, state }: SecretFile): {
  readonly file: string;
  readonly secrets: readonly string[];
  readonly hosts: readonly string[];
  readonly sha256: string | undefined;
  readonly state: string;
} {
  const once = (words: readonly string[]): readonly string[] => [...new Set(words)];
  const text = state.kind === "missing" ? "no such file" : "not a file of age";
  return {
    file,
    secrets: once(uses.map(({ app, name }) => `${app}/${name}`)),
    hosts: once(uses.map(({ host }) => host.name)),
    sha256: state.kind === "read" ? state.sha256 : undefined,
    state: isCurrent(state) ? "ok" : state.kind === "read" ? differenceText(state) : text,
  };
}

const examples = `
The columns: file, its secrets as application/name, the hosts that need it, and "ok" or what is wrong. The header of a file names the
ssh keys that can decrypt it, so this needs no key. It does not say which recovery key can.

Examples:
  $ sealift secret list prod`;
