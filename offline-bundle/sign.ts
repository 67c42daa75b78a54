/** Signs a bundle: its text (sealift.json) names the serial and hangs on everything else by sha256. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { inside, readSealText } from "./layout.ts";
import { namespace, sshKeygen } from "./ssh-keygen.ts";

/**
 * Writes the signature of a bundle beside its text. With an ed25519 key the same bundle gives the same signature.
 *
 * @param key private key file, or a public key file whose private half is in the ssh agent.
 * @throws {SealiftError} E_BUNDLE_MISSING, E_SIGNING_KEY, E_TOOL.
 */
export async function signBundle(directory: string, key: string): Promise<void> {
  const text = await readSealText(directory);
  const { exitCode, stdout, stderr } = await sshKeygen(["-Y", "sign", "-f", key, "-n", namespace], text);
  if (exitCode !== 0) {
    throw new SealiftError([
      {
        where: key,
        code: "E_SIGNING_KEY",
        subject: "signing key",
        got: stderr.replaceAll(/\s*\n\s*/g, " "),
        expected: "a private key that ssh-keygen can sign with",
        todo: "check the path and its permissions (0600); a key with a passphrase has to be in the ssh agent",
      },
    ]);
  }
  const signature = join(directory, inside.signature);
  await writeFile(`${signature}.part`, stdout);
  await rename(`${signature}.part`, signature);
}
