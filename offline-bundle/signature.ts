/** Checks the signature of a bundle text against the keys that a site trusts. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { inside } from "./layout.ts";
import { namespace, sshKeygen } from "./ssh-keygen.ts";

export interface SignatureCheck {
  /** Who signed, in the words of the allowed signers file; undefined when it is refused. */
  readonly signer?: string;
  readonly problems: readonly Problem[];
}

/**
 * Finds out who signed `text`.
 *
 * @param allowedSigners file in the format of ssh-keygen(1), section ALLOWED SIGNERS; its validity dates and namespaces count.
 * @returns E_BUNDLE_UNSIGNED or E_BUNDLE_SIGNATURE as problems.
 * @throws {SealiftError} E_TOOL when there is no ssh-keygen.
 */
export async function checkSignature(
  directory: string,
  text: Uint8Array,
  allowedSigners: string,
): Promise<SignatureCheck> {
  const signature = join(directory, inside.signature);
  const refused = (code: Problem["code"], got: string, expected: string, todo: string): SignatureCheck => ({
    problems: [{ where: directory, code, subject: inside.signature, got, expected, todo }],
  });
  if (!(await exists(signature))) {
    return refused(
      "E_BUNDLE_UNSIGNED",
      "no signature",
      "a signed bundle",
      "build it with --key, or get the signed one",
    );
  }
  if (!(await exists(allowedSigners))) {
    const todo = "name the file that lists the keys this site trusts (ssh-keygen(1), ALLOWED SIGNERS)";
    return refused("E_BUNDLE_SIGNATURE", `no file ${allowedSigners}`, "an allowed signers file", todo);
  }
  const files = ["-s", signature, "-f", allowedSigners];
  const found = await sshKeygen(["-Y", "find-principals", ...files], new Uint8Array());
  const signer = found.stdout.split("\n")[0]?.trim() ?? "";
  if (found.exitCode !== 0 || signer === "") {
    return refused(
      "E_BUNDLE_SIGNATURE",
      `a signature by a key that is not trusted (${lastLine(found.stderr)})`,
      `one by a key of ${allowedSigners}`,
      "do not use this bundle, or add the key after you have checked whose it is",
    );
  }
  const checked = await sshKeygen(["-Y", "verify", "-n", namespace, "-I", signer, ...files], text);
  if (checked.exitCode !== 0) {
    return refused(
      "E_BUNDLE_SIGNATURE",
      lastLine(`${checked.stdout}\n${checked.stderr}`.trim()),
      `a good signature of ${inside.seal} by ${signer}`,
      "do not use this bundle: copy it again, and if it stays, ask who built it",
    );
  }
  return { signer, problems: [] };
}

function lastLine(text: string): string {
  return text.split("\n").at(-1) ?? text;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
