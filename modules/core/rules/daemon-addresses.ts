/** Rules of addresses, one key at a time: what is not an address, or one that cannot work. */
import { isIP } from "node:net";
import { formatNetwork, overlap, parseAddress, parseCidr, within, type Cidr } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import { shown } from "../shown.ts";
import { list, text, type DaemonHost } from "./daemon-host.ts";

export function addressRules(site: DaemonHost): readonly Problem[] {
  const { host, tell } = site;
  const address = (key: Path, value: string | undefined, family?: 4 | 6): Problem[] => {
    if (value === undefined) return [];
    const found = isIP(value);
    if (found !== 0 && (family === undefined || found === family)) return [];
    const expected = `an ${family === undefined ? "IP" : `IPv${family}`} address`;
    return [
      tell(
        key,
        "E_VALUE",
        shown(value),
        expected,
        `write it like ${family === 6 ? "fd00:201::1" : "10.201.0.1"}`,
      ),
    ];
  };
  const each = (key: string): Problem[] =>
    list(host, key).flatMap((value, index) => address([key, index], value));
  return [
    ...address(["ip"], text(host, "ip")),
    ...address(["default-gateway"], text(host, "default-gateway"), 4),
    ...address(["default-gateway-v6"], text(host, "default-gateway-v6"), 6),
    ...address(["host-gateway-ip"], text(host, "host-gateway-ip")),
    ...["dns", "host-gateway-ips"].flatMap(each),
    ...loopbackResolvers(site),
    ...bridgeAddress(site, "bip", 4),
    ...bridgeAddress(site, "bip6", 6),
    ...network(site, "fixed-cidr", 4),
    ...network(site, "fixed-cidr-v6", 6),
    ...insecure(site),
    ...mirrors(site),
    ...port(site),
  ];
}

/** Inside of a container loopback is the container's own. */
function loopbackResolvers({ host, tell }: DaemonHost): Problem[] {
  return list(host, "dns").flatMap((value, index) => {
    if (!value.startsWith("127.") && value !== "::1") return [];
    const expected = "a resolver that containers reach; loopback is the container's own";
    return [tell(["dns", index], "E_VALUE", shown(value), expected, "name the site's resolver")];
  });
}

/** dockerd takes any text here, and does not start with a wrong one. */
function bridgeAddress({ host, tell }: DaemonHost, key: string, family: 4 | 6): Problem[] {
  const value = text(host, key);
  if (value === undefined) return [];
  const cidr = parseCidr(value);
  const width = family === 4 ? 32 : 128;
  const good =
    cidr?.family === family &&
    cidr.prefix <= width - 2 &&
    cidr.value !== cidr.first &&
    (family === 6 || cidr.value !== cidr.last);
  if (good) return [];
  const expected = `an IPv${family} address of a host with its prefix, neither the network's first address nor its last`;
  const todo = `write it like ${family === 4 ? "10.201.0.1/24" : "fd00:201::1/64"}`;
  return [tell([key], "E_VALUE", shown(value), expected, todo)];
}

function network({ host, tell }: DaemonHost, key: string, family: 4 | 6): Problem[] {
  const value = text(host, key);
  if (value === undefined) return [];
  const cidr = parseCidr(value);
  if (cidr?.family !== family) {
    const todo = `write it like ${family === 4 ? "10.201.0.128/25" : "fd00:201::/64"}`;
    return [tell([key], "E_VALUE", shown(value), `an IPv${family} network in CIDR form`, todo)];
  }
  if (cidr.value !== cidr.first) return [tell([key], "E_VALUE", shown(value), ...hostBits(cidr))];
  const never = family === 6 && [multicast, linkLocal].find((range) => overlap(cidr, range));
  // The whole of the kernel's own link-local network is the one part that the engine takes (moby bridge_linux.go, validateIPv6Subnet).
  if (never !== undefined && never !== false && formatNetwork(cidr) !== "fe80::/64") {
    const expected = `a network apart from ${formatNetwork(never)}, which the engine refuses`;
    return [tell([key], "E_VALUE", shown(value), expected, "write it like fd00:201::/64")];
  }
  const bridge = parseCidr(text(host, family === 4 ? "bip" : "bip6") ?? "");
  if (bridge === undefined || within(cidr, bridge)) return [];
  const expected = `a part of ${text(host, family === 4 ? "bip" : "bip6") ?? ""}, docker0's network`;
  return [tell([key], "E_CONFLICT", shown(value), expected, "make it smaller, or change bip")];
}

const multicast = parseCidr("ff00::/8") as Cidr;
const linkLocal = parseCidr("fe80::/64") as Cidr;

/** What is said of a network that was written by the address of one of its hosts: expected, and what to do. */
export function hostBits(cidr: Cidr): [expected: string, todo: string] {
  return ["the network itself, without bits of a host", `write ${formatNetwork(cidr)}`];
}

/** The engine puts /v2/ behind what a mirror is given as. */
function mirrors({ host, tell }: DaemonHost): Problem[] {
  return list(host, "registry-mirrors").flatMap((value, index) => {
    if (!/\/v[12]\/?$/.test(value)) return [];
    const expected = "a path without /v2, which the engine adds";
    const todo = `write ${value.replace(/v[12]\/?$/, "")}`;
    return [tell(["registry-mirrors", index], "E_VALUE", shown(value), expected, todo)];
  });
}

/** A network without an end trusts every registry there is. */
function insecure({ host, tell }: DaemonHost): Problem[] {
  return list(host, "insecure-registries").flatMap((value, index) => {
    const say = (expected: string, todo: string): Problem[] => [
      tell(["insecure-registries", index], "E_VALUE", shown(value), expected, todo),
    ];
    if (!value.includes("/")) {
      const [, port] = /^(?:[^:]*|\[[^\]]*\]):(\d+)$/.exec(value) ?? [];
      if (port !== undefined && Number(port) > 65_535)
        return say("a port of at most 65535", "write it like localhost:5000");
      // What is neither a name nor IPv6 (moby registry/config.go, validateHostPort).
      const literal = value.replace(/^\[([^\]]*)\](:\d+)?$/, "$1");
      if (!literal.includes(":") || isIP(literal) === 6 || /^[^:]+:\d+$/.test(literal)) return [];
      return say("a name or an address, and maybe a port", "write it like [fd00:201::1]:5000");
    }
    const cidr = parseCidr(value);
    if (cidr === undefined || cidr.prefix < 8)
      return say("host:port, or a network of at least /8", "name the registry itself");
    if (cidr.value === cidr.first) return [];
    const [expected, network] = hostBits(cidr);
    const alone = value.replace(/\/\d+$/, cidr.family === 4 ? "/32" : "/128");
    return say(expected, `${network}, or ${alone} for the one host`);
  });
}

function port({ host, tell }: DaemonHost): Problem[] {
  const value = text(host, "metrics-addr");
  if (value === undefined) return [];
  const [, address = "", digits = ""] = /^\[?([^\]]*)\]?:(\d+)$/.exec(value) ?? [];
  const known = address === "localhost" || parseAddress(address) !== undefined;
  if (known && Number(digits) >= 1 && Number(digits) <= 65_535) return [];
  const expected = "localhost or an IP address, and a port from 1 to 65535";
  return [tell(["metrics-addr"], "E_VALUE", shown(value), expected, "write it like 127.0.0.1:9323")];
}
