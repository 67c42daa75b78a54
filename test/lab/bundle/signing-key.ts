/** The key that signs the lab's bundles. Made in the cache, never in the repository. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx/core";
import { writeAtomically } from "../../../modules/core/write-atomically.ts";

export interface SigningKey {
  /** Private key, mode 0600, no passphrase. */
  readonly file: string;
  /** Lists this key and no other, for bundles only: ssh-keygen(1), ALLOWED SIGNERS. */
  readonly allowedSigners: string;
}

/** Makes an ed25519 key and its allowed signers file in `directory`, unless they are there. */
export async function ensureSigningKey(directory: string, signer = "lab@sealift"): Promise<SigningKey> {
  const file = join(directory, "signing");
  const allowedSigners = join(directory, "allowed_signers");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) await $`ssh-keygen -q -t ed25519 -N ${""} -C ${signer} -f ${file}`;
  const publicKey = (await readFile(`${file}.pub`, "utf8")).trim();
  // Another test may be verifying a bundle with it.
  await writeAtomically(allowedSigners, `${signer} namespaces="sealift-bundle" ${publicKey}\n`);
  return { file, allowedSigners };
}
