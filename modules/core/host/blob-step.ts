/** The fact that a blob of the bundle is on the host: downloaded from the registry of the site, or sent over ssh. */
import { endpoint } from "../endpoint.ts";
import type { RegistrySpec } from "../site/registry.ts";
import type { Blob } from "./blob.ts";
import type { Step } from "./step.ts";

/** How a host downloads blobs of the bundle from the registry. */
export interface Channel {
  /** `name:port`. */
  readonly registry: string;
  /** Prefix of every repository: empty, or ending with a slash. */
  readonly prefix: string;
  /** A CA of the site certifies it, not only those of the system. */
  readonly ownCa: boolean;
  /** IPv4 addresses in the order in which they are tried; empty: as the name server resolves its name. */
  readonly addresses: readonly string[];
  /** `name:port` of other hosts to which it may redirect; used where a name server resolves its name. @default none */
  readonly allowedHosts?: readonly string[];
}

export function channelOf({
  name,
  port,
  prefix,
  addresses,
  allowedHosts = [],
  trust,
}: RegistrySpec): Channel {
  const ownCa = trust.hosts.length > 0 || trust.file !== undefined;
  return { registry: endpoint(name, port), prefix, addresses, allowedHosts, ownCa };
}

/**
 * @param file name of the bundle's file, which is the last component of its repository.
 * @param channel absent: the blob is sent over ssh.
 */
export function blobStep(
  code: string,
  what: string,
  file: string,
  { sha256, bytes }: Blob,
  channel: Channel | undefined,
): Step {
  return {
    code,
    fact: `${what} is on the host (sha256 ${sha256.slice(0, 12)})`,
    effect: "none",
    call: channel === undefined ? ["stored_blob", sha256, String(bytes)] : channelCall(channel),
  };

  function channelCall({ registry, prefix, ownCa, addresses, allowedHosts = [] }: Channel): Step["call"] {
    const repository = `${prefix}files/${file}`;
    const caSource = ownCa ? "own" : "system";
    const readers = allowedHosts.length === 0 ? addresses : ["-", ...allowedHosts];
    return ["downloaded_blob", sha256, String(bytes), registry, repository, caSource, ...readers];
  }
}
