/** Rules across networks: pools, docker0, the networks of the site, and the firewall. */
import { formatNetwork, overlap, parseAddress, parseCidr, single, within, type Cidr } from "../address.ts";
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost } from "../merge.ts";
import { shown } from "../../shown.ts";
import { hostBits } from "./daemon-addresses.ts";
import { engineBefore, list, text, texts, type DaemonHost, type NamedNetwork } from "./daemon-host.ts";

interface Pool {
  readonly base: string;
  readonly size: number;
}

export function networkRules(site: DaemonHost): readonly Problem[] {
  return [
    ...pools(site),
    ...poolsAsAWhole(site),
    ...hidden(site),
    ...switches(site),
    ...ipv6BeforeItsTime(site),
    ...gateways(site),
  ];
}

function poolsOf({ host }: DaemonHost): readonly Pool[] {
  return (host.daemon["default-address-pools"] ?? []) as readonly Pool[];
}

function pools(site: DaemonHost): Problem[] {
  const { report } = site;
  const all = poolsOf(site);
  return all.flatMap(({ base, size }, index): Problem[] => {
    const at: Path = ["default-address-pools", index];
    const cidr = parseCidr(base);
    if (cidr === undefined) {
      const fix = "write it like 10.201.0.0/16";
      return [report([...at, "base"], "E_VALUE", shown(base), "a network in CIDR notation", fix)];
    }
    if (cidr.value !== cidr.first)
      return [report([...at, "base"], "E_VALUE", shown(base), ...hostBits(cidr))];
    const widest = cidr.family === 4 ? 30 : 126;
    if (size < cidr.prefix || size > widest) {
      const expected = `${cidr.prefix} to ${widest}: the prefix length of the networks cut from ${base}`;
      return [report([...at, "size"], "E_VALUE", String(size), expected, "write it like 24")];
    }
    const earlier = all.slice(0, index).find((other) => {
      const parsed = parseCidr(other.base);
      return parsed !== undefined && overlap(cidr, parsed);
    });
    if (earlier === undefined) return [];
    const expected = `a network that does not overlap pool ${earlier.base}`;
    return [
      report(
        [...at, "base"],
        "E_NETWORK_OVERLAP",
        shown(base),
        expected,
        "choose networks that do not overlap",
      ),
    ];
  });
}

/** Networks that an engine before 27 allocates for one pool at start, about 100 bytes each: 2^56 of them crash it at once. */
const maxAllocated = 2 ** 18;

/**
 * Effects of all pools together on the engine. Sources: SplitNetworks in libnetwork/ipamutils/utils.go of moby 26.1.5, which
 * allocates every network of a pool, against libnetwork/ipams/defaultipam/address_space.go since 27.0, which allocates them on
 * demand.
 */
function poolsAsAWhole(site: DaemonHost): Problem[] {
  const { host, report } = site;
  const all = poolsOf(site);
  const families = all.map(({ base }) => parseCidr(base)?.family);
  const docker0 = ["bip", "fixed-cidr", "bridge"].some((key) => text(host, key) !== undefined);
  const noIPv4 = all.length > 0 && !families.includes(4) && families.includes(6) && !docker0;
  const wide = !engineBefore(host.engine.version, "27.0.0")
    ? []
    : all.flatMap(({ base, size }, index) => {
        const cidr = parseCidr(base);
        if (cidr === undefined || size < cidr.prefix || 2 ** (size - cidr.prefix) <= maxAllocated) return [];
        const expected = `at most ${maxAllocated} networks in a pool, because an engine before 27.0 allocates all of them at start`;
        const fix = `choose a base of at least /${size - 18}, or engine 27.0 or later`;
        return [
          report(
            ["default-address-pools", index, "base"],
            "E_VALUE",
            `${shown(base)} cut into /${size}`,
            expected,
            fix,
          ),
        ];
      });
  if (!noIPv4) return wide;
  const expected = "an IPv4 pool, or bip: without an IPv4 address for docker0 the engine does not start";
  return [
    ...wide,
    report(
      ["default-address-pools"],
      "E_VALUE",
      shown(all),
      expected,
      "add one like { base: 10.201.0.0/16, size: 24 }",
    ),
  ];
}

/** A container network hides every address of the site that it contains, the operator's ssh included (docker/for-linux#1422). */
function hidden(site: DaemonHost): Problem[] {
  const { host, addresses, file, report } = site;
  const around: NamedNetwork[] = [
    ...(file.networks ?? []).map((text): NamedNetwork => [`network ${text} of the site`, parseCidr(text)]),
    ...addresses,
    ...list(host, "dns").map((address): NamedNetwork => [
      `${address}, a resolver`,
      elsewhere(host, alone(address)),
    ]),
    ...[...list(host, "registry-mirrors"), ...Object.values(texts(host, "proxies"))].map(
      (url): NamedNetwork => [url, elsewhere(host, hostOf(url))],
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
    const expected = `a network that does not overlap ${hit[0]}`;
    return [
      report(
        path,
        "E_NETWORK_OVERLAP",
        shown(value),
        expected,
        "choose a network that the site does not use",
      ),
    ];
  });
}

/** For every host to be compared with. */
export function hostNetworks(hosts: readonly MergedHost[]): readonly NamedNetwork[] {
  return hosts.map(({ name, address }) => [`${address}, host ${name}`, alone(address)]);
}

/** The host of a URL that contains an IP address. */
function hostOf(url: string): Cidr | undefined {
  return alone(/^https?:\/\/\[?([0-9a-fA-F.:]+?)\]?(:\d+)?(\/|$)/.exec(url)?.[1] ?? "");
}

/** docker0's own address belongs to the host: a service on it, such as a resolver, stays reachable. */
function elsewhere(host: DaemonHost["host"], network: Cidr | undefined): Cidr | undefined {
  const own = ["bip", "bip6"].map((key) => parseCidr(text(host, key) ?? "")?.value);
  return network !== undefined && own.includes(network.value) ? undefined : network;
}

function alone(address: string): Cidr | undefined {
  const parsed = parseAddress(address);
  return parsed === undefined ? undefined : single(parsed);
}

/** Source: verifyDaemonSettings, moby daemon/daemon_unix.go 29.7.2; the daemon reports these errors when it fails to start. */
function switches({ host, report }: DaemonHost): Problem[] {
  const { daemon } = host;
  const contradictions: [boolean, Path, string, string, string][] = [
    [
      daemon["icc"] === false && daemon["iptables"] === false,
      ["iptables"],
      "false",
      "true, because icc: false needs firewall rules",
      "remove it, or write icc: true as well",
    ],
    [
      daemon["icc"] === false && daemon["ipv6"] === true && daemon["ip6tables"] === false,
      ["ip6tables"],
      "false",
      "true, because icc: false with ipv6: true needs firewall rules",
      "remove it, or write icc: true as well",
    ],
    [
      daemon["bridge"] !== undefined && (daemon["bip"] ?? daemon["bip6"]) !== undefined,
      ["bridge"],
      shown(daemon["bridge"] ?? ""),
      "no bip or bip6 together with bridge: that bridge has its address already",
      "remove bridge or bip",
    ],
    [
      daemon["firewall-backend"] === "nftables" && daemon["iptables"] === false,
      ["iptables"],
      "false",
      "true: iptables: false also disables firewall-backend: nftables",
      "remove it",
    ],
  ];
  return contradictions
    .filter(([holds]) => holds)
    .map(([, path, found, expected, fix]) => report(path, "E_CONFLICT", found, expected, fix));
}

/**
 * Sources: initBridgeDriver and verifyDaemonSettings, daemon/daemon_unix.go of moby 26.1.5 and 27.5.1; the daemon reports these
 * errors when it fails to start. Both checks are gone in 28.0.0 and 27.0.1.
 */
function ipv6BeforeItsTime({ host, report }: DaemonHost): Problem[] {
  const { daemon, engine } = host;
  const bridge = text(host, "bridge");
  return [
    ...(daemon["ipv6"] === true &&
    daemon["fixed-cidr-v6"] === undefined &&
    bridge !== "none" &&
    engineBefore(engine.version, "28.0.0")
      ? [
          report(
            ["ipv6"],
            "E_CONFLICT",
            `true without fixed-cidr-v6 for engine ${engine.version ?? ""}`,
            "ipv6 together with fixed-cidr-v6: an engine before 28.0 does not choose an IPv6 network itself",
            "add fixed-cidr-v6, like fixed-cidr-v6: fd00:201::/64, or choose engine 28.0 or later",
          ),
        ]
      : []),
    ...(daemon["ip6tables"] === true &&
    daemon["experimental"] !== true &&
    engineBefore(engine.version, "27.0.0")
      ? [
          report(
            ["ip6tables"],
            "E_CONFLICT",
            `true for engine ${engine.version ?? ""}`,
            "ip6tables together with experimental: true: it is experimental before engine 27.0",
            "add experimental: true, remove ip6tables, or choose engine 27.0 or later",
          ),
        ]
      : []),
  ];
}

/**
 * A gateway is an otherwise unused address of docker0's network, other than docker0's own. Source: ipamAllocateVersion,
 * libnetwork/network.go of moby 26.1 to 29.7.2, which allocates the bridge's own address first and then this one; the daemon
 * reports the error when it fails to start.
 */
function gateways(site: DaemonHost): Problem[] {
  const { host } = site;
  const bridge = text(host, "bridge");
  // A bridge of the host has its own network; with "none" there is no gateway.
  if (bridge !== undefined) return [];
  const { version } = host.engine;
  return [
    ...gateway(site, "default-gateway", "bip", "fixed-cidr"),
    ...(host.daemon["ipv6"] !== true
      ? []
      : engineBefore(version, "28.0.0")
        ? gateway(site, "default-gateway-v6", "fixed-cidr-v6", "fixed-cidr-v6")
        : gateway(site, "default-gateway-v6", "bip6", "fixed-cidr-v6")),
  ];
}

/** @param own key of docker0's address. @param part key of a network from which docker0 otherwise gets its first address. */
function gateway({ host, report }: DaemonHost, key: string, own: string, part: string): Problem[] {
  const value = text(host, key);
  const address = parseAddress(value ?? "");
  if (address === undefined) return [];
  const problems = (expected: string, fix: string): Problem[] => [
    report([key], "E_CONFLICT", shown(value), expected, fix),
  ];
  const named = text(host, own) ?? text(host, part);
  if (named === undefined) {
    const like = address.family === 4 ? "10.201.0.1/24" : "fd00:201::1/64";
    const example = own === part ? "fd00:201::/64" : like;
    return problems(
      `${key} together with ${own}: without it the engine chooses docker0's network itself`,
      `add ${own}, like ${own}: ${example}, and choose another address of that network as gateway`,
    );
  }
  const network = parseCidr(named);
  if (network === undefined || network.family !== address.family) return [];
  if (!within(address, network))
    return problems(`an address in ${named}, docker0's network`, "choose an address of that network");
  // Without an address of its own, docker0 takes the first one of the network.
  const docker0 = network.value === network.first ? network.first + 1n : network.value;
  if (address.value === docker0)
    return problems(
      "an address other than docker0's own, which is the gateway of containers by default",
      `remove ${key}, or choose another address of ${formatNetwork(network)}`,
    );
  const never = [network.first, ...(network.family === 4 ? [network.last] : [])];
  return never.includes(address.value)
    ? problems(
        `a host address in ${named}`,
        "choose an address between the first and the last of the network",
      )
    : [];
}
