/** Secrets of applications as an operator keeps them: files for the keys of hosts, and for one recovery key. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { cachePath, checkout } from "../../lab/cache.ts";
import type { Guest } from "../../lab/guest.ts";

const run = promisify(execFile);

export interface AppSecrets {
  /** The public part of the recovery key. */
  readonly recoveryKey: string;
  /** Encrypts a text for these hosts; the path of the file as a site has it. */
  readonly seal: (name: string, text: string, hosts: readonly Guest[]) => Promise<string>;
  readonly end: () => Promise<void>;
}

/** Runs age of the lab's tools, which have to be in the PATH. */
export async function makeAppSecrets(name: string): Promise<AppSecrets> {
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", `${name}-`));
  const { stderr } = await run("age-keygen", ["-o", join(folder, "recovery.key")]);
  const recoveryKey = /age1\S+/.exec(stderr)?.[0] ?? "";
  return {
    recoveryKey,
    seal: async (secret, text, hosts) => {
      const [plain, recipients] = [join(folder, "plain"), join(folder, "recipients")];
      await writeFile(recipients, [...hosts.map(({ hostKey }) => hostKey), recoveryKey, ""].join("\n"));
      await writeFile(plain, text);
      const file = join(folder, `${secret}.age`);
      await run("age", ["-R", recipients, "-o", file, plain]);
      return relative(checkout, file);
    },
    end: () => rm(folder, { recursive: true }),
  };
}
