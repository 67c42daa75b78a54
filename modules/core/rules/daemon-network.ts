/** Rules of networks that have to go together: pools, docker0, the site around them, and the firewall. */
import { formatNetwork, overlap, parseAddress, parseCidr, single, within, type Cidr } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import { shown } from "../shown.ts";
import { hostBits } from "./daemon-addresses.ts";
import { engineBefore, list, text, texts, type DaemonHost } from "./daemon-host.ts";

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
  const { tell } = site;
  const all = poolsOf(site);
  return all.flatMap(({ base, size }, index): Problem[] => {
    const at: Path = ["default-address-pools", index];
    const cidr = parseCidr(base);
    if (cidr === undefined) {
      const todo = "write it like 10.201.0.0/16";
      return [tell([...at, "base"], "E_VALUE", shown(base), "a network in CIDR form", todo)];
    }
    if (cidr.value !== cidr.first) return [tell([...at, "base"], "E_VALUE", shown(base), ...hostBits(cidr))];
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

/** Networks that an engine before 27 writes out for one pool, about 100 bytes each: one of 2^56 ends it at once. */
const mostWrittenOut = 2 ** 18;

/**
 * What the pools do to the engine together. Sources: SplitNetworks in libnetwork/ipamutils/utils.go of moby 26.1.5, which makes every
 * network of a pool, against libnetwork/ipams/defaultipam/address_space.go from 27.0 on, which makes them when they are asked for.
 */
function poolsAsAWhole(site: DaemonHost): Problem[] {
  const { host, tell } = site;
  const all = poolsOf(site);
  const families = all.map(({ base }) => parseCidr(base)?.family);
  const docker0 = ["bip", "fixed-cidr", "bridge"].some((key) => text(host, key) !== undefined);
  const noIPv4 = all.length > 0 && !families.includes(4) && families.includes(6) && !docker0;
  const wide = !engineBefore(host.engine.version, "27.0.0")
    ? []
    : all.flatMap(({ base, size }, index) => {
        const cidr = parseCidr(base);
        if (cidr === undefined || size < cidr.prefix || 2 ** (size - cidr.prefix) <= mostWrittenOut)
          return [];
        const expected = `at most ${mostWrittenOut} networks in a pool: an engine before 27.0 writes all of them out when it starts`;
        const todo = `take a base of at least /${size - 18}, or an engine from 27.0 on`;
        return [
          tell(
            ["default-address-pools", index, "base"],
            "E_VALUE",
            `${shown(base)} cut into /${size}`,
            expected,
            todo,
          ),
        ];
      });
  if (!noIPv4) return wide;
  const expected =
    "a pool of IPv4 among them, or bip: without an IPv4 address for docker0 the engine does not start";
  return [
    ...wide,
    tell(
      ["default-address-pools"],
      "E_VALUE",
      shown(all),
      expected,
      "add one like { base: 10.201.0.0/16, size: 24 }",
    ),
  ];
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
      elsewhere(host, alone(address)),
    ]),
    ...[...list(host, "registry-mirrors"), ...Object.values(texts(host, "proxies"))].map(
      (url): [string, Cidr | undefined] => [url, elsewhere(host, hostOf(url))],
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

/** The host of a URL that names it by its address. */
function hostOf(url: string): Cidr | undefined {
  return alone(/^https?:\/\/\[?([0-9a-fA-F.:]+?)\]?(:\d+)?(\/|$)/.exec(url)?.[1] ?? "");
}

/** docker0's own address is the host's: what answers there, a resolver on the host for one, is hidden by nothing. */
function elsewhere(host: DaemonHost["host"], network: Cidr | undefined): Cidr | undefined {
  const own = ["bip", "bip6"].map((key) => parseCidr(text(host, key) ?? "")?.value);
  return network !== undefined && own.includes(network.value) ? undefined : network;
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

/**
 * Sources: initBridgeDriver and verifyDaemonSettings, daemon/daemon_unix.go of moby 26.1.5 and 27.5.1: told by a daemon that does not
 * start; both are gone in 28.0.0 and 27.0.1.
 */
function ipv6BeforeItsTime({ host, tell }: DaemonHost): Problem[] {
  const { daemon, engine } = host;
  const bridge = text(host, "bridge");
  return [
    ...(daemon["ipv6"] === true &&
    daemon["fixed-cidr-v6"] === undefined &&
    bridge !== "none" &&
    engineBefore(engine.version, "28.0.0")
      ? [
          tell(
            ["ipv6"],
            "E_CONFLICT",
            `true without fixed-cidr-v6 for engine ${engine.version ?? ""}`,
            "fixed-cidr-v6 beside it: an engine before 28.0 chooses no IPv6 network of its own",
            "add it, like fixed-cidr-v6: fd00:201::/64, or take an engine from 28.0 on",
          ),
        ]
      : []),
    ...(daemon["ip6tables"] === true &&
    daemon["experimental"] !== true &&
    engineBefore(engine.version, "27.0.0")
      ? [
          tell(
            ["ip6tables"],
            "E_CONFLICT",
            `true for engine ${engine.version ?? ""}`,
            "experimental: true beside it: an engine before 27.0 has it as an experiment",
            "add it, remove ip6tables, or take an engine from 27.0 on",
          ),
        ]
      : []),
  ];
}

/**
 * A gateway is an address of docker0's network that nobody else has, docker0 neither. Source: ipamAllocateVersion, libnetwork/network.go
 * of moby 26.1 to 29.7.2, which takes the bridge's own address first and then this one: told by a daemon that does not start.
 */
function gateways(site: DaemonHost): Problem[] {
  const { host } = site;
  const bridge = text(host, "bridge");
  // A bridge of the host's own brings its network along; with "none" there is no gateway.
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

/** @param own key of docker0's address, @param part key of a network that docker0 gets its first address of without it. */
function gateway({ host, tell }: DaemonHost, key: string, own: string, part: string): Problem[] {
  const value = text(host, key);
  const address = parseAddress(value ?? "");
  if (address === undefined) return [];
  const say = (expected: string, todo: string): Problem[] => [
    tell([key], "E_CONFLICT", shown(value), expected, todo),
  ];
  const named = text(host, own) ?? text(host, part);
  if (named === undefined) {
    const like = address.family === 4 ? "10.201.0.1/24" : "fd00:201::1/64";
    const example = own === part ? "fd00:201::/64" : like;
    return say(
      `${own} beside it: without it the engine chooses docker0's network itself`,
      `add it, like ${own}: ${example}, and take another address of that network`,
    );
  }
  const network = parseCidr(named);
  if (network === undefined || network.family !== address.family) return [];
  if (!within(address, network))
    return say(`an address in ${named}, docker0's network`, "take an address of that network");
  // Of a network without an address docker0 takes the first one.
  const docker0 = network.value === network.first ? network.first + 1n : network.value;
  if (address.value === docker0)
    return say(
      "another address than docker0's own: that is the gateway of containers already",
      `remove ${key}, or take another address of ${formatNetwork(network)}`,
    );
  const never = [network.first, ...(network.family === 4 ? [network.last] : [])];
  return never.includes(address.value)
    ? say(`an address of a host in ${named}`, "take one between the network's first and last")
    : [];
}
