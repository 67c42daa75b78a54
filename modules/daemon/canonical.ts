/**
 * daemon.json in the engine's canonical form: networks without host bits and IPv6 in its canonical notation, so that the written
 * text, the output of docker info and the compared text are equal however the site file spells them.
 */
import { endpoint } from "../core/endpoint.ts";
import { formatAddress, formatNetwork, parseAddress, parseCidr } from "../core/site/address.ts";
import type { DaemonSpec } from "../core/site/site-spec.ts";

export function canonicalDaemon(daemon: DaemonSpec): DaemonSpec {
  return Object.fromEntries(
    Object.entries(daemon).map(([key, value]) => [key, forms[key]?.(value) ?? value]),
  ) as DaemonSpec;
}

/** A network in canonical form; any other text is unchanged. */
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
  return endpoint(name, Number(port));
}

interface Pool {
  readonly base: string;
  readonly size: number;
}

interface Builder {
  readonly gc?: object;
}

const forms: Readonly<Record<string, (value: unknown) => unknown>> = {
  // Since 27, docker info shows an IPv6 pool in canonical form (netip.Prefix); 26 shows it as it was configured.
  "default-address-pools": (value) =>
    (value as readonly Pool[]).map(({ base, size }) => ({ base: network(base), size })),
  "insecure-registries": (value) =>
    (value as readonly string[]).map((one) => (one.includes("/") ? network(one) : one)),
  "metrics-addr": (value) => listener(value as string),
  // Engines before 28.2 treat a gc without an explicit enabled as disabled (BuilderGCConfig, daemon/config/builder.go).
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
