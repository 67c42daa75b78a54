/** The files that define which keys a site trusts: read once, and refused when they are invalid. */
import type { Problem } from "../../modules/core/errors.ts";
import { inside } from "../io/inside.ts";
import { limits } from "../io/limits.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";

/** The content of these files, read once. */
export interface KeyFiles {
  readonly allowed: Buffer;
  readonly revoked?: Buffer;
}

/** Both files, or why they cannot be used. */
export async function readKeyFiles(
  directory: string,
  {
    allowedSigners: allowedFile,
    revokedKeys,
  }: { readonly allowedSigners: string; readonly revokedKeys?: string },
): Promise<KeyFiles | { readonly problems: readonly Problem[] }> {
  const problem = (found: string, expected: string, fix: string): Problem => ({
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: inside.signature,
    found,
    expected,
    fix,
  });
  const allowed = await readKeys(allowedFile);
  const revoked = revokedKeys === undefined ? undefined : await readKeys(revokedKeys);
  const problems = [
    ...(typeof allowed === "string"
      ? [
          problem(
            allowed,
            "an allowed signers file",
            "pass the file with the keys that this site trusts (ssh-keygen(1), ALLOWED SIGNERS)",
          ),
        ]
      : []),
    ...(typeof revoked === "string"
      ? [problem(revoked, "the list of revoked keys", "restore the list: without it no key can be trusted")]
      : []),
    ...(revoked instanceof Uint8Array && namesNoKey(revoked)
      ? [
          problem(
            `an empty list of revoked keys (${revokedKeys ?? ""})`,
            "a KRL, or one public key per line",
            "restore the correct list; if no key was ever revoked, configure no list",
          ),
        ]
      : []),
  ];
  if (problems.length > 0 || typeof allowed === "string" || typeof revoked === "string") return { problems };
  return { allowed, ...(revoked === undefined ? {} : { revoked }) };
}

/** The bytes of a file that the site names, or why they cannot be read. */
async function readKeys(file: string): Promise<Buffer | string> {
  return readRegular(file, limits.keys, "follow").catch((error: unknown) =>
    error instanceof UnusableFile ? `${error.message} (${file})` : `no file ${file}`,
  );
}

/** A truncated or empty list revokes nobody. A KRL identifies itself, even when it lists no key. */
function namesNoKey(list: Buffer): boolean {
  if (list.toString("latin1", 0, krlMagic.length) === krlMagic) return false;
  return list
    .toString("latin1")
    .split("\n")
    .every((line) => /^\s*(#|$)/.test(line));
}

/** openssh PROTOCOL.krl */
const krlMagic = "SSHKRL\n\0";
