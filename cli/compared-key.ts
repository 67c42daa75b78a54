/** The key of a host or jump host, once a person has said that it is the one on its console. */
import { SealiftError } from "../modules/core/errors.ts";
import type { JumpSpec } from "../modules/core/jump.ts";
import { shownKey } from "../modules/host-keys.ts";
import {} from "./print.ts";

/** What listens there, and how it is got to. */
export interface Shown {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly jump?: JumpSpec;
}

/**
 * @param known fingerprints that were compared already. @param ask gets the person's answer; empty without a terminal.
 * @throws {SealiftError} E_HOST_KEY when nobody has compared it; what asking for it may end in.
 */
export async function comparedKey(
  { name, address, port, jump }: Shown,
  known: readonly string[],
  ask: (question: string) => Promise<string>,
): Promise<string> {
  const { key, fingerprint } = await shownKey(address, port, jump);
  if (known.includes(fingerprint)) return key;
  const answer = await ask(
    `${name} shows ${fingerprint}\nOn its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\nIs it the same? (yes/no) `,
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
      got: `${fingerprint}, which nobody has compared`,
      expected: "a key that a person has seen on the host's console",
      todo: `compare it, then say so with --host-key ${fingerprint}`,
    },
  ]);
}
