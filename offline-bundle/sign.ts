/** Signs a bundle: its text (sealift.json) names the serial and hangs on everything else by sha256. */
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { oneLine } from "../modules/core/visible.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import { digestOfBytes } from "./digest.ts";
import { inside } from "./inside.ts";
import { type Bundle, readSealText } from "./layout.ts";
import { nextName, signatureFiles } from "./signature-files.ts";
import { namespace, sshKeygen } from "./ssh-keygen.ts";
import { parseSshSignature } from "./ssh-signature.ts";

export interface Signed {
  /** Name of the signature file inside the bundle. */
  readonly name: string;
  /** Of the key, as ssh-keygen -l shows it: `SHA256:…`. */
  readonly fingerprint: string;
  /** Whether the key had signed before. */
  readonly again: boolean;
}

/**
 * Writes a signature of a bundle beside its text: one more for every further key; a key that has signed already replaces
 * its own. With an ed25519 key the same bundle gives the same signature.
 *
 * @param key private key file, or a public key file whose private half is in the ssh agent.
 * @param shown what the person has been shown of the bundle: its text is what is signed, whatever the file says by now. Absent: the
 * file as it is.
 * @throws {SealiftError} E_BUNDLE_MISSING, E_SIGNING_KEY, E_TOOL.
 */
export async function signBundle(
  directory: string,
  key: string,
  shown?: Pick<Bundle, "text">,
): Promise<Signed> {
  const text = shown?.text ?? (await readSealText(directory));
  const { exitCode, stdout, stderr } = await sshKeygen(["-Y", "sign", "-f", key, "-n", namespace], text);
  const made = exitCode === 0 ? parseSshSignature(stdout) : undefined;
  if (made === undefined) {
    throw new SealiftError([
      {
        where: key,
        code: "E_SIGNING_KEY",
        subject: "signing key",
        got: exitCode === 0 ? "a signature of an unknown form" : oneLine(stderr),
        expected: "a private key that ssh-keygen can sign with",
        todo: "check the path and its permissions (0600); a key with a passphrase has to be in the ssh agent",
      },
    ]);
  }
  const files = await signatureFiles(directory);
  const own = files.find(({ signature }) => signature?.key === made.key);
  const name = own?.name ?? nextName(files);
  await writeWhole(join(directory, name), stdout);
  return { name, fingerprint: made.fingerprint, again: own !== undefined };
}

/**
 * Refuses a bundle whose text is not, byte for byte, that of another one on the signer's own disk: what `rebuild` has compared may have been
 * swapped on a share before it is signed. The text pins everything else of a bundle.
 *
 * @param own the bundle that the signer has built.
 * @throws {SealiftError} E_BUNDLE_REBUILD; E_BUNDLE_MISSING when there is no `own`.
 */
export async function requireSameText(
  directory: string,
  { text }: Pick<Bundle, "text">,
  own: string,
): Promise<void> {
  const expected = await readSealText(own);
  if (expected.equals(text)) return;
  throw new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_REBUILD",
      subject: inside.seal,
      got: `sha256 ${digestOfBytes(text).sha256}`,
      expected: `sha256 ${digestOfBytes(expected).sha256}, the text of ${own}`,
      todo: `do not sign it; compare it again: sealift bundle rebuild --compare ${directory}`,
    },
  ]);
}
