/**
 * daemon.json as the engine itself writes it: networks without host bits and in the one form of IPv6, so that what is written, what
 * docker info says and what is compared are the same text whatever a person has typed.
 */
import { formatAddress, formatNetwork, parseAddress, parseCidr } from "../core/address.ts";
import type { DaemonSpec } from "../core/site-spec.ts";

export function canonicalDaemon(daemon: DaemonSpec): DaemonSpec {
  return Object.fromEntries(
    Object.entries(daemon).map(([key, value]) => [key, forms[key]?.(value) ?? value]),
  ) as DaemonSpec;
}

/** A network; what is none stays as it is. */
function network(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? text : formatNetwork(cidr);
}

/** `[FD00::1]:9323` and `127.0.0.1:09323` as the kernel shows them. */
function listener(text: string): string {
  const [, host = "", port = ""] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text) ?? [];
  if (port === "") return text;
  const address = parseAddress(host);
  const name = address === undefined ? host : formatAddress(address);
  return `${name.includes(":") ? `[${name}]` : name}:${Number(port)}`;
}

interface Pool {
  readonly base: string;
  readonly size: number;
}

interface Builder {
  readonly gc?: object;
}

const forms: Readonly<Record<string, (value: unknown) => unknown>> = {
  // From 27 on docker info shows a pool in the one form of IPv6 (netip.Prefix); 26 shows what it was given.
  "default-address-pools": (value) =>
    (value as readonly Pool[]).map(({ base, size }) => ({ base: network(base), size })),
  "insecure-registries": (value) =>
    (value as readonly string[]).map((one) => (one.includes("/") ? network(one) : one)),
  "metrics-addr": (value) => listener(value as string),
  // Engines before 28.2 take a gc that does not say so for one that is off (BuilderGCConfig, daemon/config/builder.go).
  builder: (value) => {
    const { gc, ...builder } = value as Builder;
    return gc === undefined ? builder : { ...builder, gc: { enabled: true, ...gc } };
  },
  // nvidia-ctk writes an empty list under a name that the engine ignores.
  runtimes: (value) =>
    Object.fromEntries(
      Object.entries(value as Readonly<Record<string, object>>).map(([name, runtime]) => [
        name,
        Object.fromEntries(Object.entries(runtime).filter(([key]) => key !== "args")),
      ]),
    ),
};
