/** Signs a bundle: its manifest (sealift.json) has the serial and covers everything else by sha256. */
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { visibleOneLine } from "../modules/core/visible.ts";
import { writeAtomically } from "../modules/core/write-atomically.ts";
import { digestOfBytes } from "./io/digest.ts";
import { inside } from "./io/inside.ts";
import { type Bundle, readBundleManifestText } from "./oci/layout.ts";
import { nextName, signatureFiles } from "./signing/signature-files.ts";
import { bundleNamespace, sshKeygen } from "./signing/ssh-keygen.ts";
import { parseSshSignature } from "./signing/ssh-signature.ts";

export interface Signed {
  /** Name of the signature file inside the bundle. */
  readonly name: string;
  /** Of the key, as ssh-keygen -l prints it: `SHA256:…`. */
  readonly fingerprint: string;
  /** Whether the key had already signed. */
  readonly again: boolean;
}

/**
 * Writes a signature beside the bundle manifest: a further key adds a signature; a key that has already signed replaces its own.
 * With an ed25519 key the same bundle gives the same signature.
 *
 * @param key private key file, or a public key file whose private key is in the ssh agent.
 * @param shown the manifest that the signer was shown: exactly this text is signed, even if the file has changed meanwhile.
 * Absent: the file as it is.
 * @throws {SealiftError} E_BUNDLE_MISSING, E_SIGNING_KEY, E_TOOL.
 */
export async function signBundle(
  directory: string,
  key: string,
  shown?: Pick<Bundle, "text">,
): Promise<Signed> {
  const text = shown?.text ?? (await readBundleManifestText(directory));
  const { exitCode, stdout, stderr } = await sshKeygen(
    ["-Y", "sign", "-f", key, "-n", bundleNamespace],
    text,
  );
  const made = exitCode === 0 ? parseSshSignature(stdout) : undefined;
  if (made === undefined) {
    throw new SealiftError([
      {
        where: key,
        code: "E_SIGNING_KEY",
        subject: "signing key",
        found: exitCode === 0 ? "a signature in an unknown format" : visibleOneLine(stderr),
        expected: "a private key that ssh-keygen can sign with",
        fix: "check the path and its permissions (0600); add a key with a passphrase to the ssh agent",
      },
    ]);
  }
  const files = await signatureFiles(directory);
  const own = files.find(({ signature }) => signature?.key === made.key);
  const name = own?.name ?? nextName(files);
  await writeAtomically(join(directory, name), stdout);
  return { name, fingerprint: made.fingerprint, again: own !== undefined };
}

/**
 * Refuses a bundle whose manifest differs from that of another bundle on the signer's own disk: after `rebuild` has compared it,
 * it could have been swapped on a share before it is signed. The manifest pins everything else.
 *
 * @param own the bundle that the signer has built.
 * @throws {SealiftError} E_BUNDLE_REBUILD; E_BUNDLE_MISSING when there is no `own`.
 */
export async function requireSameText(
  directory: string,
  { text }: Pick<Bundle, "text">,
  own: string,
): Promise<void> {
  const expected = await readBundleManifestText(own);
  if (expected.equals(text)) return;
  throw new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_REBUILD",
      subject: inside.manifest,
      found: `sha256 ${digestOfBytes(text).sha256}`,
      expected: `sha256 ${digestOfBytes(expected).sha256}, the manifest of ${own}`,
      fix: `do not sign it; compare it again: sealift bundle rebuild --compare ${directory}`,
    },
  ]);
}
