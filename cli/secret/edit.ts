/** `sealift secret edit <file>`: a new value for a secret, in an editor or from standard input. */
import { buffer } from "node:stream/consumers";
import { Command } from "commander";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { decrypt } from "../../modules/secrets/age.ts";
import { type Edited, secretToEdit, writeSecret } from "../../modules/secrets/change.ts";
import { editText } from "../../modules/secrets/editor.ts";
import { print } from "../output/print.ts";
import { environmentSecrets } from "./site-secrets.ts";

interface Flags {
  readonly env: string;
  readonly app?: string;
  readonly identity?: string;
  readonly stdin?: true;
}

export function secretEditCommand(): Command {
  return new Command("edit")
    .description("Set the value of a secret, and encrypt it for the hosts that run its application")
    .argument("<file>", "the encrypted file, relative to the checkout; created if it does not exist")
    .requiredOption("--env <env>", "the environment: stacks/<env>.site.yaml")
    .option("--app <app>", "an application that uses it; not needed for a file that the site already names")
    .option("--identity <file>", "the private recovery key, to edit the present value")
    .option("--stdin", "read the new value from standard input, every byte of it; needs no identity")
    .addHelpText("after", examples)
    .action(async (file: string, flags: Flags) => {
      const { hosts, recoveryKey, siteFile } = await environmentSecrets(flags.env);
      refuse(pathProblems(file));
      const edited = secretToEdit(file, flags.app, hosts, { recoveryKey, siteFile });
      const value = await newValue(edited, flags);
      if (value === undefined) {
        print(`${file}: unchanged`);
        return;
      }
      await writeSecret(edited, value);
      print(`${file}: encrypted for ${edited.hosts.join(", ")} and the recovery key`);
      if (!edited.isNamed && flags.app !== undefined)
        print(`Next: name it in ${siteFile}, below apps: of ${flags.app}: secrets: { <name>: ${file} }`);
    });
}

/** @returns undefined when the person changed nothing. */
async function newValue(
  { file, content }: Edited,
  { stdin, identity }: Flags,
): Promise<Uint8Array | undefined> {
  if (stdin === true) return notEmpty(await buffer(process.stdin), file);
  if (content === undefined) return notEmpty(await editText(new Uint8Array()), file);
  if (identity === undefined) throw new SealiftError([identityMissing(file)]);
  const present = await decrypt(content, identity, file);
  const value = await editText(present);
  return present.equals(value) ? undefined : notEmpty(value, file);
}

function notEmpty(value: Buffer, file: string): Uint8Array {
  if (value.length > 0) return value;
  const fix = "pass a value; to remove a secret, remove it from the site and delete its file";
  throw new SealiftError([problem(file, "nothing", "a value of at least one byte", fix)]);
}

/** As the site names it. */
function pathProblems(file: string): readonly Problem[] {
  if (/^\.?[A-Za-z0-9][A-Za-z0-9._-]*(\/\.?[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(file)) return [];
  const expected = "a path relative to the checkout, such as secrets/shop-db.age";
  return [
    problem(
      "<file>",
      "another path",
      expected,
      "run the command in the checkout, and write the path as in the site file",
    ),
  ];
}

function identityMissing(file: string): Problem {
  const expected = "the private recovery key, which can decrypt the present value";
  return problem(
    file,
    "no --identity",
    expected,
    "pass --identity <file>, or replace the value with --stdin",
  );
}

function problem(subject: string, found: string, expected: string, fix: string): Problem {
  return { where: "sealift secret edit", code: "E_VALUE", subject, found, expected, fix };
}

const examples = `
The plaintext is only in pipes and, for an editor (VISUAL or EDITOR), in a file in memory that is removed at the end.
What the editor writes by itself is outside of this: backup files, swap files, its history (vim: set nobackup nowritebackup noswapfile viminfo=).

Examples:
  $ sealift secret edit secrets/shop-db.age --env prod --app shop
  $ pwgen -s 32 1 | tr -d '\\n' | sealift secret edit secrets/shop-db.age --env prod --app shop --stdin
  $ sealift secret edit secrets/shop-db.age --env prod --app shop --identity /media/safe/recovery.key`;
