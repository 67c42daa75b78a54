/** The networks from which an engine assigns addresses to containers. */
import type { DaemonSpec } from "../core/site/site-spec.ts";

/** What an engine uses when daemon.json sets no pools (moby daemon/libnetwork/ipamutils, 29.7.2). */
const builtinPools = [
  "172.17.0.0/16",
  "172.18.0.0/16",
  "172.19.0.0/16",
  "172.20.0.0/14",
  "172.24.0.0/14",
  "172.28.0.0/14",
  "192.168.0.0/16",
] as const;

export interface AddressPools {
  /** The site's choice: default-address-pools and bip. */
  readonly site: readonly string[];
  /** The engine's own pools, which apply until default-address-pools replaces them. */
  readonly builtin: readonly string[];
}

/** IPv4 only, each as a.b.c.d/length. */
export function addressPools(daemon: DaemonSpec): AddressPools {
  const chosen = daemon["default-address-pools"];
  const bases = (Array.isArray(chosen) ? (chosen as { base?: unknown }[]) : []).map(({ base }) => base);
  const site = [...bases, daemon["bip"]].filter((one) => typeof one === "string" && isIPv4Network(one));
  return {
    site: [...new Set(site as string[])],
    builtin: bases.length === 0 ? builtinPools : [],
  };
}

/** An address without a length would be that of a host, and a colon means IPv6. */
function isIPv4Network(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(text);
}
