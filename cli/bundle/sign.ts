import { Command } from "commander";
import { openBundle } from "../../offline-bundle/oci/read-bundle.ts";
import { requireSameText, signBundle } from "../../offline-bundle/sign.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { columns } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { printOverridden, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

interface Flags {
  readonly key: string;
  readonly as?: string;
  readonly allowedSigners?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("Sign a bundle; replaces an earlier signature by the same key")
    .argument("<directory>", "the bundle")
    .requiredOption(
      "--key <path>",
      "ssh key to sign with; for a public key, the private key is taken from the ssh-agent",
    )
    .option(
      "--as <directory>",
      "sign only if the bundle manifest equals that of this bundle, which you have built",
    )
    .option("--allowed-signers <path>", "verify the whole bundle first, and print its signers")
    .addHelpText("after", examples)
    .action(async (directory: string, { key, as, allowedSigners }: Flags) => {
      const checked = allowedSigners === undefined ? undefined : await check(directory, allowedSigners);
      const bundle = checked ?? (await openBundle(directory));
      if (as !== undefined) await requireSameText(directory, bundle, as);
      // Printed before the key is used, so that the operator knows what is being signed even if signing fails.
      const { serial, lockSha256, textSha256 } = bundle;
      print(
        columns([
          ["bundle", directory],
          ["serial", String(serial)],
          ["lock", `sha256 ${lockSha256}`],
          [signing, `sha256 ${textSha256}${as === undefined ? "" : `, as in ${as}`}`],
          ["verified", verifiedText(checked)],
        ]),
      );
      const { name, fingerprint, again } = await signBundle(directory, key, bundle);
      print(
        columns([
          [
            "signed".padEnd(signing.length),
            `${fingerprint} in ${name}${again ? ", replacing its earlier signature" : ""}`,
          ],
        ]),
      );
    });
}

function verifiedText(checked: VerifiedBundle | undefined): string {
  if (checked === undefined) return "no (use --allowed-signers <path>)";
  const { signers, blobs } = checked;
  return `${blobs} blobs, all as signed; signed by ${signers.join(", ") || "no trusted signer"}`;
}

/** The number of signatures and expired keys are not checked: the missing signature may be the one that is being made. */
async function check(directory: string, allowedSigners: string): Promise<VerifiedBundle> {
  const progress = progressLine();
  const options = { ...verifyOptions({ allowedSigners }, progress), minSignatures: 0, allowUnsigned: true };
  const bundle = await verifyBundle(directory, options).finally(progress.end);
  // The signer does not accept the bundle: the list of accepted bundles is on the air-gapped side.
  printOverridden({ allowedSigners }, { ...bundle, warnings: [] });
  return bundle;
}

/** The longest label, so that the lines after the signature are aligned with the earlier ones. */
const signing = "manifest";

const examples = `
A second person signs what was reviewed. With --as, the bundle is signed only if its manifest equals the one that you have rebuilt, even if
the share has changed in between. Compare the lock's sha256 with sha256sum offline-bundle/bundle.lock.yaml.

Examples:
  $ sealift bundle rebuild --compare /mnt/share/bundle --keep out/mine
  $ sealift bundle sign /mnt/share/bundle --as out/mine --key ~/.ssh/id_ed25519 --allowed-signers stacks/allowed_signers`;
