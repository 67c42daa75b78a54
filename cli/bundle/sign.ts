import { Command } from "commander";
import { openBundle } from "../../offline-bundle/read-bundle.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { columns } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { tellWaived, verifyOptions } from "./policy-flags.ts";
import { print } from "../print.ts";

interface Flags {
  readonly key: string;
  readonly signers?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("adds a signature; a key that has signed already replaces its own")
    .argument("<directory>", "the bundle")
    .requiredOption("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .option("--signers <path>", "check the whole bundle first, and tell who of these has signed it")
    .addHelpText("after", examples)
    .action(async (directory: string, { key, signers }: Flags) => {
      const checked = signers === undefined ? undefined : await check(directory, signers);
      const bundle = checked ?? (await openBundle(directory));
      const { serial, lockSha256 } = bundle;
      const { name, fingerprint, again } = await signBundle(directory, key, bundle);
      print(
        columns([
          ["bundle", directory],
          ["serial", String(serial)],
          ["lock", `sha256 ${lockSha256}`],
          ["before", before(checked)],
          ["signed with", `${fingerprint} in ${name}${again ? ", in place of its own" : ""}`],
        ]),
      );
    });
}

function before(checked: VerifiedBundle | undefined): string {
  if (checked === undefined) return "not looked at: --signers <path> checks the bundle first";
  const { signers, blobs } = checked;
  return `${blobs} blobs, all as they should be; signed by ${signers.join(", ") || "nobody who counts"}`;
}

/** How many have signed is no matter yet, nor whether their keys still count: this signature may be the one that mends it. */
async function check(directory: string, signers: string): Promise<VerifiedBundle> {
  const progress = progressLine();
  const options = { ...verifyOptions({ signers }, progress), signatures: 0, allowUnsigned: true };
  const bundle = await verifyBundle(directory, options).finally(progress.end);
  // Whoever signs does not take it in: what was accepted lies where it goes.
  tellWaived({ signers }, { ...bundle, warnings: [] });
  return bundle;
}

const examples = `
A second person signs what was reviewed: compare the lock's sha256 with sha256sum offline-bundle/bundle.lock.yaml.

Example:
  $ sealift bundle sign out/bundle --key ~/.ssh/id_ed25519 --signers stacks/allowed_signers`;
