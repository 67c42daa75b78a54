/** Rules for the networks of the swarm: their addresses against all others that the site names, and what the engine cannot do. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import { shown } from "../../shown.ts";
import { formatNetwork, overlap, parseAddress, parseCidr, single, type Cidr } from "../address.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { memberNames, swarmDefaults, type SwarmFile } from "../swarm.ts";
import { hostBits } from "./daemon-addresses.ts";
import type { NamedNetwork } from "./daemon-host.ts";
import { hostNetworks } from "./daemon-network.ts";
import { duplicates, oncePerPlace, type ProblemBuilder } from "./problem-builder.ts";

export function swarmNetworkProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const { swarm } = file;
  if (swarm === undefined) return [];
  return [
    ...hostBitProblems(swarm, problemAt),
    ...poolSizeProblems(swarm, problemAt),
    ...overlapProblems(file, swarm, hosts, problemAt),
    ...nameProblems(swarm, problemAt),
    ...portProblems(swarm, problemAt),
    ...firewallProblems(file, swarm, hosts, problemAt),
  ];
}

const basePath: Path = ["swarm", "addressPool", "base"];
const subnetPath: Path = ["swarm", "ingress", "subnet"];

/** What the site writes for the swarm; the schema has checked that these are networks. */
function ownNetworks({ addressPool, ingress }: SwarmFile): readonly (readonly [Path, string])[] {
  return [
    [basePath, addressPool.base],
    ...(ingress?.subnet === undefined ? [] : [[subnetPath, ingress.subnet] as const]),
  ];
}

function hostBitProblems(swarm: SwarmFile, problemAt: ProblemBuilder): Problem[] {
  return ownNetworks(swarm).flatMap(([path, text]) => {
    const cidr = parseCidr(text);
    if (cidr === undefined || cidr.value === cidr.first) return [];
    return [problemAt(path, "E_VALUE", shown(text), ...hostBits(cidr))];
  });
}

/** The engine takes the ingress network and those of applications from it as well. */
function poolSizeProblems(
  { addressPool, ingress, networks = [] }: SwarmFile,
  problemAt: ProblemBuilder,
): Problem[] {
  const { base, size = swarmDefaults.poolSize } = addressPool;
  const prefix = parseCidr(base)?.prefix;
  if (prefix === undefined) return [];
  const needed = networks.length + (ingress?.subnet === undefined ? 1 : 0);
  const has = size < prefix ? 0 : 2 ** (size - prefix);
  // The network of at least one application.
  if (has > needed) return [];
  return [
    problemAt(
      ["swarm", "addressPool"],
      "E_VALUE",
      `${shown(base)} cut into networks of ${size} bits: ${has === 0 ? "none" : has}`,
      `more than ${needed} networks: those of the site, the ingress network, and those of applications`,
      "write a larger base, or a larger size",
    ),
  ];
}

/** No way leads from a container on a network of the swarm to an address that this network hides. */
function overlapProblems(
  file: SiteFile,
  swarm: SwarmFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const others: readonly NamedNetwork[] = [
    ...(file.networks ?? []).map((text): NamedNetwork => [`network ${text} of the site`, parseCidr(text)]),
    ...hostNetworks(hosts),
    ...Object.entries(swarm.addresses ?? {}).map(([name, address]): NamedNetwork => [
      `${address}, ${name} in swarm.addresses`,
      alone(address),
    ]),
    ...members(swarm, hosts).flatMap(([host]) => daemonNetworks(host)),
  ];
  return oncePerPlace(
    ownNetworks(swarm).flatMap(([path, text]) => {
      const pool: NamedNetwork[] =
        path === subnetPath
          ? [[`swarm.addressPool ${swarm.addressPool.base}`, parseCidr(swarm.addressPool.base)]]
          : [];
      const cidr = parseCidr(text);
      if (cidr === undefined) return [];
      const hit = [...pool, ...others].find(([, other]) => other !== undefined && overlap(cidr, other));
      if (hit === undefined) return [];
      const expected = `a network that does not overlap ${hit[0]}`;
      const fix = "choose a network that the site does not use: it cannot be changed once the swarm exists";
      return [problemAt(path, "E_SWARM_POOL", shown(text), expected, fix)];
    }),
  );
}

function alone(address: string): Cidr | undefined {
  const parsed = parseAddress(address);
  return parsed === undefined ? undefined : single(parsed);
}

function members({ managers, workers }: SwarmFile, hosts: readonly MergedHost[]): [MergedHost, number][] {
  const names = memberNames({ managers, ...(workers === undefined ? {} : { workers }) });
  return hosts.flatMap((host, index): [MergedHost, number][] =>
    names.includes(host.name) ? [[host, index]] : [],
  );
}

/** docker0 and docker_gwbridge, and bridges of containers that belong to no service. */
function daemonNetworks({ daemon }: MergedHost): readonly NamedNetwork[] {
  const pools = (daemon["default-address-pools"] ?? []) as readonly { readonly base: string }[];
  const bridge = parseCidr(typeof daemon["bip"] === "string" ? daemon["bip"] : "");
  return [
    ...pools.map(({ base }): NamedNetwork => [`daemon.default-address-pools ${base}`, parseCidr(base)]),
    ...(bridge === undefined ? [] : [[`daemon.bip ${formatNetwork(bridge)}`, bridge] satisfies NamedNetwork]),
  ];
}

/** Names that an engine has already given. */
const engineNetworks = ["bridge", "host", "ingress", "none"];

function nameProblems({ networks = [] }: SwarmFile, problemAt: ProblemBuilder): Problem[] {
  const path: Path = ["swarm", "networks"];
  return [
    ...duplicates(networks, path, "name", problemAt),
    ...networks.flatMap(({ name }, index) =>
      engineNetworks.includes(name)
        ? [
            problemAt(
              [...path, index, "name"],
              "E_VALUE",
              shown(name),
              "a name that the engine does not use itself",
              name === "ingress" ? "set subnet and mtu of the ingress network in swarm.ingress" : "rename it",
            ),
          ]
        : [],
    ),
  ];
}

/** Of the engine: where nodes tell each other which containers they have. */
const gossipPort = 7946;

function portProblems({ dataPathPort }: SwarmFile, problemAt: ProblemBuilder): Problem[] {
  if (dataPathPort !== gossipPort) return [];
  const expected = `another port: members talk to each other on ${gossipPort}/udp`;
  return [problemAt(["swarm", "dataPathPort"], "E_CONFLICT", String(dataPathPort), expected, "write 4789")];
}

/** Source: IsSwarmCompatible in daemon/config/config_linux.go of moby, 29.0; the feature came with 29.6. */
function firewallProblems(
  file: SiteFile,
  swarm: SwarmFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  return oncePerPlace(
    members(swarm, hosts).flatMap(([{ daemon }, index]) => {
      const features = (daemon["features"] ?? {}) as Readonly<Record<string, unknown>>;
      if (daemon["firewall-backend"] !== "nftables" || features["swarm-nftables"] === true) return [];
      const own = Object.hasOwn(file.hosts[index]?.daemon ?? {}, "firewall-backend");
      return [
        problemAt(
          [...(own ? ["hosts", index] : []), "daemon", "firewall-backend"],
          "E_CONFLICT",
          "nftables on a member of the swarm",
          "iptables: the engine refuses to be a member with nftables",
          "remove the key, or take the host out of the swarm",
        ),
      ];
    }),
  );
}
