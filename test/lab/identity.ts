/** The keys of this cache folder's lab: one to log in with, one by which every guest is known. Never in the repository. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
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
      await putWhole(knownHostsFile, `${hostKeyAlias} ${host.publicKey}\n`);
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

/** ssh of another test may read it at any moment, and has to find the key. */
async function putWhole(file: string, text: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(() => "")) === text) return;
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, text);
  await rename(part, file);
}

async function ensureKey(name: string): Promise<{ file: string; publicKey: string }> {
  const file = cachePath("lab", "keys", name);
  const read = async (): Promise<string> => (await readFile(`${file}.pub`, "utf8")).trim();
  const there = await read().catch(() => undefined);
  if (there !== undefined) return { file, publicKey: there };
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  return { file, publicKey: await read() };
}
