/** The swarm of a site: as it is written, and as one of its members sees it. Pure. */
import { isIPv4 } from "node:net";

/** `swarm` of the site file. */
export interface SwarmFile {
  readonly name: string;
  /** Names of hosts; the first one creates the swarm. */
  readonly managers: readonly string[];
  readonly workers?: {
    /** Names of hosts; a class has already been replaced by the names of its hosts. */
    readonly hosts?: readonly string[];
    /** A class that is not defined. */
    readonly class?: string;
  };
  /** By the name of a host. */
  readonly addresses?: Readonly<Record<string, string>>;
  readonly addressPool: { readonly base: string; readonly size?: number };
  readonly ingress?: { readonly subnet?: string; readonly mtu?: number };
  readonly dataPathPort?: number;
  readonly certificates?: { readonly expiry?: string };
  readonly autolock?: boolean;
  readonly managersRunTasks?: boolean;
  readonly networks?: readonly (Pick<SwarmNetwork, "name"> & Partial<SwarmNetwork>)[];
  /** Of nodes, by the name of the host. */
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly removed?: readonly string[];
}

/** The swarm that a host is a member of. */
export interface SwarmSpec {
  readonly name: string;
  /** Name of this host in the site. */
  readonly self: string;
  /** Managers in the order of the site file, then workers. */
  readonly members: readonly SwarmMember[];
  readonly addressPool: SwarmPool;
  readonly ingress: SwarmIngress;
  /** UDP port of the traffic of overlay networks. */
  readonly dataPathPort: number;
  /** How long the certificate of a node is valid: `8760h`. */
  readonly certificateExpiry: string;
  /** Whether a manager that starts is locked until it gets the unlock key. Absent: it stays as it is. */
  readonly autolock?: boolean;
  /** Overlay networks that the site names. */
  readonly networks: readonly SwarmNetwork[];
  /** Names of former members that leave, by force when they do not respond. */
  readonly removed: readonly string[];
}

/** Networks of the swarm are taken from `base`, each with a prefix of `size` bits. */
export interface SwarmPool {
  readonly base: string;
  readonly size: number;
}

export interface SwarmIngress {
  /** Absent: the engine takes one from the pool. */
  readonly subnet?: string;
  /** {@link SwarmNetwork.mtu} */
  readonly mtu: number;
}

export interface SwarmMember {
  /** Name in the site. */
  readonly host: string;
  /** IPv4 address at which the other members reach it. */
  readonly address: string;
  readonly role: "manager" | "worker";
  /** drain: no tasks run there. */
  readonly availability: "active" | "drain";
  readonly labels: Readonly<Record<string, string>>;
}

export interface SwarmNetwork {
  readonly name: string;
  /** Its traffic between hosts is encrypted by IPsec. */
  readonly encrypted: boolean;
  /** Containers that belong to no service may join it. */
  readonly attachable: boolean;
  /**
   * Size of the packets between hosts, in bytes: the engine's com.docker.network.driver.mtu. Those of containers are 50 bytes smaller (VXLAN),
   * and in an encrypted network at least 76. Source: maxMTU in libnetwork/drivers/overlay of moby, 26.1.5.
   */
  readonly mtu: number;
}

/** The defaults of stacks/site.schema.json; a test keeps them in step. */
export const swarmDefaults = {
  poolSize: 24,
  dataPathPort: 4789,
  certificateExpiry: "8760h",
  mtu: 1500,
} as const;

interface Host {
  readonly name: string;
  readonly address: string;
}

/**
 * The same for every member but for `self`.
 *
 * @param hosts of the site, in their order.
 * @returns undefined for a host that is no member.
 */
export function swarmOf(
  file: SwarmFile | undefined,
  hosts: readonly Host[],
  host: string,
): SwarmSpec | undefined {
  if (file === undefined) return undefined;
  const members = membersOf(file, hosts);
  if (!members.some((member) => member.host === host)) return undefined;
  const { name, addressPool, ingress = {}, networks = [], removed = [], autolock } = file;
  const { mtu = swarmDefaults.mtu, subnet } = ingress;
  return {
    ...{ name, self: host, members, removed },
    addressPool: { size: swarmDefaults.poolSize, ...addressPool },
    ingress: { mtu, ...(subnet === undefined ? {} : { subnet }) },
    dataPathPort: file.dataPathPort ?? swarmDefaults.dataPathPort,
    certificateExpiry: file.certificates?.expiry ?? swarmDefaults.certificateExpiry,
    ...(autolock === undefined ? {} : { autolock }),
    networks: networks.map((network) => ({
      encrypted: false,
      attachable: false,
      mtu: swarmDefaults.mtu,
      ...network,
    })),
  };
}

/** Names of all members, managers first. */
export function memberNames({
  managers,
  workers,
}: Pick<SwarmFile, "managers" | "workers">): readonly string[] {
  return [...new Set([...managers, ...(workers?.hosts ?? [])])];
}

function membersOf(file: SwarmFile, hosts: readonly Host[]): readonly SwarmMember[] {
  const { managers, addresses = {}, labels = {} } = file;
  const names = memberNames(file);
  const runTasks = file.managersRunTasks ?? names.length === managers.length;
  return names.flatMap((name) => {
    const host = hosts.find((one) => one.name === name);
    if (host === undefined) return [];
    const isManager = managers.includes(name);
    return [
      {
        host: name,
        address: memberAddress(host, addresses),
        role: isManager ? ("manager" as const) : ("worker" as const),
        availability: isManager && !runTasks ? ("drain" as const) : ("active" as const),
        labels: labels[name] ?? {},
      },
    ];
  });
}

/** @returns an empty text when none is known: the rules report it. */
export function memberAddress({ name, address }: Host, addresses: Readonly<Record<string, string>>): string {
  return addresses[name] ?? (isIPv4(address) ? address : "");
}

/** Whether the host is a manager that keeps the unlock key of its swarm, encrypted. */
export function keepsUnlockKey(swarm: SwarmSpec | undefined): boolean {
  return swarm?.autolock === true && ownMember(swarm).role === "manager";
}

export function ownMember({ members, self }: SwarmSpec): SwarmMember {
  const own = members.find(({ host }) => host === self);
  if (own === undefined) throw new TypeError(`${self} is not among its own members`);
  return own;
}
