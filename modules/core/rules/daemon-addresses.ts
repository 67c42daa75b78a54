/** Rules of addresses, one key at a time: what is not an address, or one that cannot work. */
import { isIP } from "node:net";
import { parseAddress, parseCidr, within } from "../address.ts";
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
  if (cidr?.family !== family || cidr.value !== cidr.first) {
    const todo = `write it like ${family === 4 ? "10.201.0.128/25" : "fd00:201::/64"}`;
    return [tell([key], "E_VALUE", shown(value), `an IPv${family} network in CIDR form`, todo)];
  }
  const bridge = parseCidr(text(host, family === 4 ? "bip" : "bip6") ?? "");
  if (bridge === undefined || within(cidr, bridge)) return [];
  const expected = `a part of ${text(host, family === 4 ? "bip" : "bip6") ?? ""}, docker0's network`;
  return [tell([key], "E_CONFLICT", shown(value), expected, "make it smaller, or change bip")];
}

/** A network without an end trusts every registry there is. */
function insecure({ host, tell }: DaemonHost): Problem[] {
  return list(host, "insecure-registries").flatMap((value, index) => {
    if (!value.includes("/")) return [];
    const cidr = parseCidr(value);
    if (cidr !== undefined && cidr.prefix >= 8) return [];
    const expected = "host:port, or a network of at least /8";
    return [
      tell(["insecure-registries", index], "E_VALUE", shown(value), expected, "name the registry itself"),
    ];
  });
}

function port({ host, tell }: DaemonHost): Problem[] {
  const value = text(host, "metrics-addr");
  if (value === undefined) return [];
  const [, address = "", digits = ""] = /^\[?([^\]]*)\]?:(\d+)$/.exec(value) ?? [];
  if (parseAddress(address) !== undefined && Number(digits) >= 1 && Number(digits) <= 65_535) return [];
  const todo = "write it like 127.0.0.1:9323";
  return [tell(["metrics-addr"], "E_VALUE", shown(value), "an IP address and a port from 1 to 65535", todo)];
}
