/** Rules of networks that have to go together: pools, docker0, the site around them, and the firewall. */
import { overlap, parseAddress, parseCidr, single, within, type Cidr } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import { shown } from "../shown.ts";
import { list, text, texts, type DaemonHost } from "./daemon-host.ts";

interface Pool {
  readonly base: string;
  readonly size: number;
}

export function networkRules(site: DaemonHost): readonly Problem[] {
  return [...pools(site), ...hidden(site), ...switches(site), ...gateways(site)];
}

function poolsOf({ host }: DaemonHost): readonly Pool[] {
  return (host.daemon["default-address-pools"] ?? []) as readonly Pool[];
}

function pools(site: DaemonHost): Problem[] {
  const { tell } = site;
  const all = poolsOf(site);
  return all.flatMap(({ base, size }, index): Problem[] => {
    const at: Path = ["default-address-pools", index];
    const cidr = parseCidr(base);
    if (cidr === undefined || cidr.value !== cidr.first) {
      const todo = "write it like 10.201.0.0/16";
      return [tell([...at, "base"], "E_VALUE", shown(base), "a network in CIDR form", todo)];
    }
    const widest = cidr.family === 4 ? 30 : 126;
    if (size < cidr.prefix || size > widest) {
      const expected = `${cidr.prefix} to ${widest}: the prefix length of networks inside of ${base}`;
      return [tell([...at, "size"], "E_VALUE", String(size), expected, "write it like 24")];
    }
    const earlier = all.slice(0, index).find((other) => {
      const parsed = parseCidr(other.base);
      return parsed !== undefined && overlap(cidr, parsed);
    });
    if (earlier === undefined) return [];
    const expected = `no address of pool ${earlier.base}`;
    return [tell([...at, "base"], "E_NETWORK_OVERLAP", shown(base), expected, "take networks apart")];
  });
}

/** A container network hides whatever of the site has the same addresses: the operator's ssh among it (docker/for-linux#1422). */
function hidden(site: DaemonHost): Problem[] {
  const { host, hosts, file, tell } = site;
  const around: [what: string, network: Cidr | undefined][] = [
    ...(file.networks ?? []).map((text): [string, Cidr | undefined] => [
      `network ${text} of the site`,
      parseCidr(text),
    ]),
    ...hosts.map(({ name, address }): [string, Cidr | undefined] => [
      `${address}, host ${name}`,
      alone(address),
    ]),
    ...list(host, "dns").map((address): [string, Cidr | undefined] => [
      `${address}, a resolver`,
      alone(address),
    ]),
    ...[...list(host, "registry-mirrors"), ...Object.values(texts(host, "proxies"))].map(
      (url): [string, Cidr | undefined] => [
        url,
        alone(/^https?:\/\/\[?([0-9a-fA-F.:]+?)\]?(:\d+)?\/?$/.exec(url)?.[1] ?? ""),
      ],
    ),
  ];
  const inside: [Path, string][] = [
    ...poolsOf(site).map(({ base }, index): [Path, string] => [
      ["default-address-pools", index, "base"],
      base,
    ]),
    ...["bip", "bip6"].flatMap((key): [Path, string][] => {
      const value = text(host, key);
      return value === undefined ? [] : [[[key], value]];
    }),
  ];
  return inside.flatMap(([path, value]) => {
    const cidr = parseCidr(value);
    const hit = around.find(([, other]) => cidr !== undefined && other !== undefined && overlap(cidr, other));
    if (hit === undefined) return [];
    const expected = `no address of ${hit[0]}, which containers would hide`;
    return [
      tell(path, "E_NETWORK_OVERLAP", shown(value), expected, "take a network that the site does not use"),
    ];
  });
}

function alone(address: string): Cidr | undefined {
  const parsed = parseAddress(address);
  return parsed === undefined ? undefined : single(parsed);
}

/** Source: verifyDaemonSettings, moby daemon/daemon_unix.go 29.7.2: told by a daemon that does not start. */
function switches({ host, tell }: DaemonHost): Problem[] {
  const { daemon } = host;
  const contradictions: [boolean, Path, string, string, string][] = [
    [
      daemon["icc"] === false && daemon["iptables"] === false,
      ["iptables"],
      "false",
      "true beside icc: false, which is made of firewall rules",
      "remove it, or write icc: true as well",
    ],
    [
      daemon["icc"] === false && daemon["ipv6"] === true && daemon["ip6tables"] === false,
      ["ip6tables"],
      "false",
      "true beside icc: false and ipv6: true",
      "remove it, or write icc: true as well",
    ],
    [
      daemon["bridge"] !== undefined && (daemon["bip"] ?? daemon["bip6"]) !== undefined,
      ["bridge"],
      shown(daemon["bridge"] ?? ""),
      "no bip and no bip6 beside it: a bridge of the host's own has its address already",
      "remove bridge or bip",
    ],
    [
      daemon["firewall-backend"] === "nftables" && daemon["iptables"] === false,
      ["iptables"],
      "false",
      "true beside firewall-backend: nftables, which it switches off as well",
      "remove it",
    ],
  ];
  return contradictions
    .filter(([holds]) => holds)
    .map(([, path, got, expected, todo]) => tell(path, "E_CONFLICT", got, expected, todo));
}

function gateways({ host, tell }: DaemonHost): Problem[] {
  return ["default-gateway", "default-gateway-v6"].flatMap((key) => {
    const [value, bridge] = [text(host, key), text(host, key.endsWith("v6") ? "bip6" : "bip")];
    const [address, network] = [parseAddress(value ?? ""), parseCidr(bridge ?? "")];
    if (address === undefined || network === undefined || within(address, network)) return [];
    const todo = "take an address of that network";
    return [
      tell([key], "E_CONFLICT", shown(value), `an address in ${bridge ?? ""}, docker0's network`, todo),
    ];
  });
}
