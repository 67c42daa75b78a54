/** Rules for addresses, one key at a time: values that are not addresses, or addresses that cannot work. */
import { isIP } from "node:net";
import { formatNetwork, overlap, parseAddress, parseCidr, within, type Cidr } from "../address.ts";
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import { shown } from "../../shown.ts";
import { list, text, type DaemonHost } from "./daemon-host.ts";

export function addressRules(site: DaemonHost): readonly Problem[] {
  const { host, report } = site;
  const address = (key: Path, value: string | undefined, family?: 4 | 6): Problem[] => {
    if (value === undefined) return [];
    const found = isIP(value);
    if (found !== 0 && (family === undefined || found === family)) return [];
    const expected = `an ${family === undefined ? "IP" : `IPv${family}`} address`;
    return [
      report(
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
    ...smallPackets(site),
    ...insecure(site),
    ...mirrors(site),
    ...port(site),
  ];
}

/** Inside a container, loopback is the container itself. */
function loopbackResolvers({ host, report }: DaemonHost): Problem[] {
  return list(host, "dns").flatMap((value, index) => {
    if (!value.startsWith("127.") && value !== "::1") return [];
    const expected = "a resolver that containers can reach; loopback is the container itself";
    return [
      report(["dns", index], "E_VALUE", shown(value), expected, "enter the address of the site's resolver"),
    ];
  });
}

/** dockerd --validate accepts any text here, but dockerd does not start with an invalid one. */
function bridgeAddress({ host, report }: DaemonHost, key: string, family: 4 | 6): Problem[] {
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
  const expected = `an IPv${family} host address with its prefix length, not the first or last address of the network`;
  const fix = `write it like ${family === 4 ? "10.201.0.1/24" : "fd00:201::1/64"}`;
  return [report([key], "E_VALUE", shown(value), expected, fix)];
}

function network({ host, report }: DaemonHost, key: string, family: 4 | 6): Problem[] {
  const value = text(host, key);
  if (value === undefined) return [];
  const cidr = parseCidr(value);
  if (cidr?.family !== family) {
    const fix = `write it like ${family === 4 ? "10.201.0.128/25" : "fd00:201::/64"}`;
    return [report([key], "E_VALUE", shown(value), `an IPv${family} network in CIDR notation`, fix)];
  }
  if (cidr.value !== cidr.first) return [report([key], "E_VALUE", shown(value), ...hostBits(cidr))];
  const refusedNetwork = family === 6 && [multicast, linkLocal].find((range) => overlap(cidr, range));
  // The engine accepts exactly one part of the kernel's link-local network: the whole of it (moby bridge_linux.go,
  // validateIPv6Subnet).
  if (refusedNetwork !== undefined && refusedNetwork !== false && formatNetwork(cidr) !== "fe80::/64") {
    const expected = `a network outside ${formatNetwork(refusedNetwork)}, which the engine refuses`;
    return [report([key], "E_VALUE", shown(value), expected, "write it like fd00:201::/64")];
  }
  if (cidr.family === 6 && cidr.prefix === 128) {
    const expected = "a network with addresses for docker0 and for containers";
    return [report([key], "E_VALUE", shown(value), expected, "write it like fd00:201::/64")];
  }
  const bridge = parseCidr(text(host, family === 4 ? "bip" : "bip6") ?? "");
  if (bridge === undefined || within(cidr, bridge)) return [];
  const expected = `a subnet of docker0's network, ${text(host, family === 4 ? "bip" : "bip6") ?? ""}`;
  return [report([key], "E_CONFLICT", shown(value), expected, "make it smaller, or change bip")];
}

const multicast = parseCidr("ff00::/8") as Cidr;
const linkLocal = parseCidr("fe80::/64") as Cidr;

/** Expected value and fix for a network that has host bits set. */
export function hostBits(cidr: Cidr): [expected: string, fix: string] {
  return ["a network address without host bits", `write ${formatNetwork(cidr)}`];
}

/** With a smaller MTU the kernel switches IPv6 off for docker0 (RFC 8200, 5), and the engine does not start. */
function smallPackets({ host, report }: DaemonHost): Problem[] {
  const { mtu, ipv6 } = host.daemon;
  if (ipv6 !== true || typeof mtu !== "number" || mtu >= 1280) return [];
  const expected = "at least 1280 together with ipv6: true, because IPv6 needs packets of that size";
  return [report(["mtu"], "E_CONFLICT", String(mtu), expected, "raise mtu, or remove ipv6")];
}

/** The engine appends /v2/ to the URL of a mirror. */
function mirrors({ host, report }: DaemonHost): Problem[] {
  return list(host, "registry-mirrors").flatMap((value, index) => {
    if (!/\/v[12]\/?$/.test(value)) return [];
    const expected = "a path without /v2, which the engine adds";
    const fix = `write ${value.replace(/v[12]\/?$/, "")}`;
    return [report(["registry-mirrors", index], "E_VALUE", shown(value), expected, fix)];
  });
}

/** A network that is too large would trust any registry. */
function insecure({ host, report }: DaemonHost): Problem[] {
  return list(host, "insecure-registries").flatMap((value, index) => {
    const conflict = (expected: string, fix: string): Problem[] => [
      report(["insecure-registries", index], "E_VALUE", shown(value), expected, fix),
    ];
    if (!value.includes("/")) {
      const [, port] = /^(?:[^:]*|\[[^\]]*\]):(\d+)$/.exec(value) ?? [];
      if (port !== undefined && Number(port) > 65_535)
        return conflict("a port up to 65535", "write it like localhost:5000");
      // Neither a name nor IPv6 (moby registry/config.go, validateHostPort).
      const literal = value.replace(/^\[([^\]]*)\](:\d+)?$/, "$1");
      if (!literal.includes(":") || isIP(literal) === 6 || /^[^:]+:\d+$/.test(literal)) return [];
      return conflict("a name or an address, optionally with a port", "write it like [fd00:201::1]:5000");
    }
    const cidr = parseCidr(value);
    if (cidr === undefined || cidr.prefix < 8)
      return conflict("host:port, or a network with a prefix of at least /8", "name the registry itself");
    if (cidr.value === cidr.first) return [];
    const [expected, network] = hostBits(cidr);
    const alone = value.replace(/\/\d+$/, cidr.family === 4 ? "/32" : "/128");
    return conflict(expected, `${network}, or ${alone} for this host only`);
  });
}

function port({ host, report }: DaemonHost): Problem[] {
  const value = text(host, "metrics-addr");
  if (value === undefined) return [];
  const [, address = "", digits = ""] = /^\[?([^\]]*)\]?:(\d+)$/.exec(value) ?? [];
  const known = address === "localhost" || parseAddress(address) !== undefined;
  if (known && Number(digits) >= 1 && Number(digits) <= 65_535) return [];
  const expected = "localhost or an IP address, and a port from 1 to 65535";
  return [report(["metrics-addr"], "E_VALUE", shown(value), expected, "write it like 127.0.0.1:9323")];
}
