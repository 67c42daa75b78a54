/** The files by which a site says whose keys count: read once, and refused when they cannot be what they should be. */
import type { Problem } from "../modules/core/errors.ts";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/** What was read of the files that say which keys count, once. */
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
  const problem = (got: string, expected: string, todo: string): Problem => ({
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: inside.signature,
    got,
    expected,
    todo,
  });
  const allowed = await readKeys(allowedFile);
  const revoked = revokedKeys === undefined ? undefined : await readKeys(revokedKeys);
  const problems = [
    ...(typeof allowed === "string"
      ? [
          problem(
            allowed,
            "an allowed signers file",
            "name the file that lists the keys this site trusts (ssh-keygen(1), ALLOWED SIGNERS)",
          ),
        ]
      : []),
    ...(typeof revoked === "string"
      ? [
          problem(
            revoked,
            "the list of revoked keys",
            "put the list back: without it nobody knows which keys count",
          ),
        ]
      : []),
    ...(revoked instanceof Uint8Array && namesNoKey(revoked)
      ? [
          problem(
            `an empty list of revoked keys (${revokedKeys ?? ""})`,
            "a KRL, or one public key a line",
            "put the right list back; where no key was ever revoked, name no list",
          ),
        ]
      : []),
  ];
  if (problems.length > 0 || typeof allowed === "string" || typeof revoked === "string") return { problems };
  return { allowed, ...(revoked === undefined ? {} : { revoked }) };
}

/** The bytes of a file that the site names, or why there are none. */
async function readKeys(file: string): Promise<Buffer | string> {
  return readRegular(file, limits.keys, "follow").catch((error: unknown) =>
    error instanceof UnusableFile ? `${error.message} (${file})` : `no file ${file}`,
  );
}

/** A list that was cut off, or never filled, revokes nobody. A KRL says that it is one, even when it names no key. */
function namesNoKey(list: Buffer): boolean {
  if (list.toString("latin1", 0, krlMagic.length) === krlMagic) return false;
  return list
    .toString("latin1")
    .split("\n")
    .every((line) => /^\s*(#|$)/.test(line));
}

/** openssh PROTOCOL.krl */
const krlMagic = "SSHKRL\n\0";
