/** How Pulumi's command plugin connects to a host. Pure. */
import type { JumpSpec } from "../site/jump-host.ts";
import type { HostSpec } from "../site/site-spec.ts";

/** The plugin's own keys. They contain neither a key nor a password: both ends use the agent. */
export interface Connection extends End {
  readonly proxy?: End;
}

interface End {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  /** Number of tolerated failures. */
  readonly dialErrorLimit: number;
  readonly perDialTimeout: number;
}

/** Few retries: the probe has just shown whether the host responds. */
const limits = { dialErrorLimit: 3, perDialTimeout: 15 };

/**
 * All hosts behind a jump host share its sshd, which refuses some connections when there are many (sshd_config(5), MaxStartups):
 * retries continue for 11 s.
 */
const limitsBehindJump = { dialErrorLimit: 10, perDialTimeout: 15 };

/** Field by field: the plugin prints the whole connection when it has an unknown key. */
export function connectionOf({ jumpHost, ...host }: HostSpec): Connection {
  if (jumpHost === undefined) return { ...end(host), ...limits };
  return { ...end(host), ...limitsBehindJump, proxy: { ...end(jumpHost), ...limitsBehindJump } };
}

function end({ address, port, sshUser, hostKey }: JumpSpec): Omit<End, keyof typeof limits> {
  return { host: address, port, user: sshUser, hostKey };
}
