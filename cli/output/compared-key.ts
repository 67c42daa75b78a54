/** The host key of a host or jump host, after the operator has verified it on the console. */
import { SealiftError } from "../../modules/core/errors.ts";
import type { JumpSpec } from "../../modules/core/site/jump-host.ts";
import { shownKey } from "../../modules/environments/host-keys.ts";
import {} from "./print.ts";

/** The key that ssh-keyscan or ssh received, and how the host is reached. */
export interface ShownFingerprint {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly jumpHost?: JumpSpec;
}

/**
 * @param known fingerprints that were verified already.
 * @param prompt returns the operator's answer; empty without a terminal.
 * @throws {SealiftError} E_HOST_KEY when the key was not verified; the errors of fetching it.
 */
export async function comparedKey(
  { name, address, port, jumpHost }: ShownFingerprint,
  known: readonly string[],
  prompt: (question: string) => Promise<string>,
): Promise<string> {
  const { key, fingerprint } = await shownKey(address, port, jumpHost);
  if (known.includes(fingerprint)) return key;
  const answer = await prompt(
    `${name} has the host key ${fingerprint}\nCompare it on the console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\nIs it the same key? (yes/no) `,
  );
  if (answer.trim() !== "yes") throw notCompared(name, fingerprint);
  return key;
}

function notCompared(host: string, fingerprint: string): SealiftError {
  return new SealiftError([
    {
      where: host,
      code: "E_HOST_KEY",
      subject: "host key",
      found: `${fingerprint}, not verified`,
      expected: "a host key that was verified on the host's console",
      fix: `verify the key on the console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then pass --host-key ${fingerprint}`,
    },
  ]);
}
