import { Command } from "commander";
import { openBundle } from "../../offline-bundle/read-bundle.ts";
import { requireSameText, signBundle } from "../../offline-bundle/sign.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { columns } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { tellWaived, verifyOptions } from "./policy-flags.ts";
import { print } from "../print.ts";

interface Flags {
  readonly key: string;
  readonly as?: string;
  readonly signers?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("adds a signature; a key that has signed already replaces its own")
    .argument("<directory>", "the bundle")
    .requiredOption("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .option(
      "--as <directory>",
      "sign only if the text is, byte for byte, that of this bundle, which you have built",
    )
    .option("--signers <path>", "check the whole bundle first, and tell who of these has signed it")
    .addHelpText("after", examples)
    .action(async (directory: string, { key, as, signers }: Flags) => {
      const checked = signers === undefined ? undefined : await check(directory, signers);
      const bundle = checked ?? (await openBundle(directory));
      if (as !== undefined) await requireSameText(directory, bundle, as);
      // Before the key is used: whatever becomes of the signature, a person knows what was to be signed.
      const { serial, lockSha256, textSha256 } = bundle;
      print(
        columns([
          ["bundle", directory],
          ["serial", String(serial)],
          ["lock", `sha256 ${lockSha256}`],
          [signing, `sha256 ${textSha256}${as === undefined ? "" : `, as in ${as}`}`],
          ["before", before(checked)],
        ]),
      );
      const { name, fingerprint, again } = await signBundle(directory, key, bundle);
      print(
        columns([
          [
            "signed with".padEnd(signing.length),
            `${fingerprint} in ${name}${again ? ", in place of its own" : ""}`,
          ],
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

/** The longest of the names, so that what is printed after the signature stands in the same columns. */
const signing = "signing text";

const examples = `
A second person signs what was reviewed. With --as the text that you have rebuilt is signed, or nothing: whatever happens to a share in
between, its bundle has to have that very text. Compare the lock's sha256 with sha256sum offline-bundle/bundle.lock.yaml.

Examples:
  $ sealift bundle rebuild --compare /mnt/share/bundle --keep out/mine
  $ sealift bundle sign /mnt/share/bundle --as out/mine --key ~/.ssh/id_ed25519 --signers stacks/allowed_signers`;
