/** How Pulumi's command plugin gets to a host. Pure. */
import type { JumpSpec } from "./jump.ts";
import type { HostSpec } from "./site-spec.ts";

/** In the plugin's own words. No key and no password is in it: both ends ask the agent. */
export interface Connection extends End {
  readonly proxy?: End;
}

interface End {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  /** Failures that are forgiven. */
  readonly dialErrorLimit: number;
  readonly perDialTimeout: number;
}

/** Few retries: whether the host answers was asked a moment ago. */
const limits = { dialErrorLimit: 3, perDialTimeout: 15 };

/**
 * All hosts behind a jump host knock at one door, which turns some away when there are many (sshd_config(5), MaxStartups): they
 * come again for 11 s.
 */
const limitsBehindJump = { dialErrorLimit: 10, perDialTimeout: 15 };

/** Field by field: the plugin prints the whole connection when it meets a key that it does not know. */
export function connectionOf({ jump, ...host }: HostSpec): Connection {
  if (jump === undefined) return { ...end(host), ...limits };
  return { ...end(host), ...limitsBehindJump, proxy: { ...end(jump), ...limitsBehindJump } };
}

function end({ address, port, login, hostKey }: JumpSpec): Omit<End, keyof typeof limits> {
  return { host: address, port, user: login, hostKey };
}
