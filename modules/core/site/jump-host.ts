/** The host through which ssh reaches another one. */
import { sameAddress } from "./address.ts";

export interface JumpSpec {
  readonly address: string;
  /** TCP port of its sshd. @default 22 */
  readonly port: number;
  /** The account needs no right there but to have connections forwarded. */
  readonly sshUser: string;
  readonly hostKey: string;
}

/**
 * The jump host of a host: its own settings override the site's; keys may be missing until the rules have run. The jump host
 * itself is reached directly.
 */
export function jumpOf(
  site: Partial<JumpSpec> | undefined,
  own: Partial<JumpSpec> | undefined,
  host: { readonly address: string; readonly port?: number },
): Partial<JumpSpec> | undefined {
  if (site === undefined && own === undefined) return undefined;
  const jump = { port: 22, ...site, ...own };
  const itself = jump.address !== undefined && sameAddress(jump.address) === sameAddress(host.address);
  return itself && jump.port === (host.port ?? 22) ? undefined : jump;
}
