import { Command } from "commander";
import { openBundle } from "../../offline-bundle/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { columns } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { verifyOptions } from "./policy-flags.ts";

interface Flags {
  readonly key: string;
  readonly signers?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("adds a signature; a key that has signed already replaces its own")
    .argument("<directory>", "the bundle")
    .requiredOption("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .option("--signers <path>", "check the whole bundle first, and the signatures that are there")
    .addHelpText("after", examples)
    .action(async (directory: string, flags: Flags) => {
      if (flags.signers !== undefined) await check(directory, flags.signers);
      const { serial, lockSha256 } = await openBundle(directory);
      const { name, fingerprint, again } = await signBundle(directory, flags.key);
      console.log(
        columns([
          ["bundle", directory],
          ["serial", String(serial)],
          ["lock", `sha256 ${lockSha256}`],
          ["signed with", `${fingerprint} in ${name}${again ? ", in place of its own" : ""}`],
          ...(flags.signers === undefined
            ? [["content", "not looked at: --signers <path> checks it first"]]
            : []),
        ]),
      );
    });
}

/** The first to sign finds no signature; whoever signs next may find one that is enough, or not yet. */
async function check(directory: string, signers: string): Promise<void> {
  const progress = progressLine();
  const options = verifyOptions({ signers }, progress);
  await verifyBundle(directory, { ...options, allowUnsigned: true }).finally(progress.end);
}

const examples = `
A second person signs what was reviewed: compare the lock's sha256 with sha256sum offline-bundle/bundle.lock.yaml.

Example:
  $ sealift bundle sign out/bundle --key ~/.ssh/id_ed25519 --signers stacks/allowed_signers`;
