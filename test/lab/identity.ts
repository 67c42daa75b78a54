/** The keys of this cache folder's lab: one to log in with, one by which every guest is known. Never in the repository. */
import { mkdir, readFile } from "node:fs/promises";
import { $ } from "zx/core";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { cachePath } from "./cache.ts";
import { withLock } from "./lock.ts";

export interface Identity {
  /** Private key to log in with, OpenSSH format, mode 0600, no passphrase. */
  readonly identityFile: string;
  /** Its public half as one line of authorized_keys. */
  readonly publicKey: string;
  /** Private host key that every guest gets. */
  readonly hostKeyFile: string;
  /** Its public half, without a comment: "ssh-ed25519 AAAA…". */
  readonly hostKey: string;
  /** known_hosts that pins the host key under `hostKeyAlias`. */
  readonly knownHostsFile: string;
}

/** The one name that known_hosts has, whatever port a guest listens on. */
export const hostKeyAlias = "sealift-lab";

/** The lab's keys; makes them on first use. @throws when ssh-keygen fails. */
export async function ensureIdentity(): Promise<Identity> {
  await mkdir(cachePath("lab", "keys"), { recursive: true, mode: 0o700 });
  return await withLock(
    "keys",
    () => undefined,
    async () => {
      const login = await ensureKey("login");
      const host = await ensureKey("host");
      const knownHostsFile = cachePath("lab", "keys", "known_hosts");
      // The ssh of another test may read it at any moment.
      await writeAtomically(knownHostsFile, `${hostKeyAlias} ${host.publicKey}\n`);
      return {
        identityFile: login.file,
        publicKey: login.publicKey,
        hostKeyFile: host.file,
        hostKey: host.publicKey,
        knownHostsFile,
      };
    },
  );
}

async function ensureKey(name: string): Promise<{ file: string; publicKey: string }> {
  const file = cachePath("lab", "keys", name);
  const read = async (): Promise<string> => (await readFile(`${file}.pub`, "utf8")).trim();
  const there = await read().catch(() => undefined);
  if (there !== undefined) return { file, publicKey: there };
  await $`ssh-keygen -q -t ed25519 -N ${""} -C ${""} -f ${file}`;
  return { file, publicKey: await read() };
}
