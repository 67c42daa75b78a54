/** The first site file of an environment, as a text with comments that a person goes on with. Pure. */
import { overlap, parseCidr } from "./core/address.ts";
import type { JumpSpec } from "./core/jump.ts";
import type { Reach } from "./core/probe.ts";
import type { Disk, FoundMount } from "./inventory.ts";

export interface ProposedHost extends Reach {
  readonly architecture: "amd64" | "arm64";
  /** Undefined when there is no blank one, or several: the person has to say which. */
  readonly disk: Disk | undefined;
  /** All blank ones, to choose from. */
  readonly choices: readonly Disk[];
  /** What others have laid out, the one with the most room first; empty where there is a blank disk. */
  readonly mounts: readonly FoundMount[];
}

export interface Proposal {
  readonly environment: string;
  /** The way to all hosts; absent: they are reached directly. */
  readonly jump?: JumpSpec;
  readonly hosts: readonly ProposedHost[];
  /** Network for containers that nothing else uses, `172.30.0.0/16`; undefined when every candidate is taken. */
  readonly pool: string | undefined;
  readonly engine: string;
  /** Lines of authorized_keys(5) for the first user. */
  readonly keys: readonly string[];
  readonly bundle: { readonly directory: string; readonly allowedSigners: string; readonly lock: string };
}

/** RFC 1918, beginning with what few sites use. */
const candidates: readonly string[] = [
  ...[30, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18].map((second) => `172.${second}.0.0/16`),
  ...[254, 253, 200, 199].map((second) => `10.${second}.0.0/16`),
  "192.168.240.0/20",
];

/** The first candidate that has no address in common with any of these networks. */
export function freePool(networks: readonly string[]): string | undefined {
  const taken = networks.flatMap((text) => parseCidr(text) ?? []);
  return candidates.find((text) => {
    const one = parseCidr(text);
    return one !== undefined && !taken.some((other) => overlap(one, other));
  });
}

/** The text of stacks/<env>.site.yaml. */
export function proposalText({ environment, jump, hosts, pool, engine, keys, bundle }: Proposal): string {
  const made = hosts.some(({ mounts }) => mounts.length === 0);
  const disks = hosts.flatMap(({ disk, choices }) => (disk === undefined ? choices : [disk]));
  const roots = new Set(hosts.map(dataRootOf));
  // The site says what most hosts have: volumes as soon as there is one that has them.
  const dataRoot = made ? "/data/docker" : [...roots][0];
  return `# yaml-language-server: $schema=environment.schema.json
#
# The environment ${environment}. Next:
#   sealift check ${environment}      what is wrong with this file, without asking a host
#   sealift doctor ${environment}     what is wrong with the hosts, without changing one
#   pulumi stack init ${environment} && pulumi preview --stack ${environment}
# Every option with its unit, default and an example: docs/reference/site.md.
bundle:
  # What was carried in, and the file that says whose signature counts.
  directory: ${bundle.directory}
  allowedSigners: ${bundle.allowedSigners}
  # How many different people must have signed. Two in production: one who is careless, or bought, is not enough.
  signatures: ${/prod/i.test(environment) ? 2 : 1}
  # What was reviewed: a bundle that was built from another lock is refused.
  lock: ${bundle.lock}

# The newest of this line in the lock; write three numbers for one exact version.
engine: { version: ${JSON.stringify(engine)} }
${jump === undefined ? "" : jumpText(jump)}
users:
  # May use docker; no root.
  - name: deploy
    uid: 1500
    authorizedKeys:${keys.length === 0 ? " []" : `\n${keys.map((key) => `      - ${key}`).join("\n")}`}
${made ? volumesText(disks) : ""}
daemon:
  data-root: ${dataRoot ?? ""}
  log-driver: local
  log-opts: { max-size: 20m, max-file: "5" }
  # Networks of containers: no host has a route to these addresses.
  default-address-pools:${pool === undefined ? ` [] # every candidate is taken here: choose one yourself` : ` [{ base: ${pool}, size: 24 }]`}

hosts:
${hosts.map((host) => hostText(host, made, dataRoot)).join("\n")}
`;
}

/** The smallest disk that is proposed: three volumes of at least 1 GiB each have room on it. */
export const leastDiskBytes = 4 * 2 ** 30;

/** All hosts have the same volumes, so that the smallest disk decides how large they are. */
function volumesText(disks: readonly Disk[]): string {
  const least = Math.min(...disks.map(({ bytes }) => bytes));
  const each = Math.max(1, Math.min(10, Math.floor(least / 2 ** 30 / 4)));
  return `
volumes:
  group: vg0
  # Sizes in GiB, or a part of what is left. They may grow later, and never shrink.
  logical:
    - { name: svc, size: ${each}GiB, filesystem: ext4, mount: /svc }
    - { name: logs, size: ${each}GiB, filesystem: ext4, mount: /logs }
    - { name: data, size: 80%FREE, filesystem: xfs, mount: /data }
`;
}

/** On the roomiest mount of others, or where the site's volumes have it. */
function dataRootOf({ mounts: [mount] }: ProposedHost): string {
  return mount === undefined ? "/data/docker" : `${mount.path}/docker`;
}

function jumpText({ address, port, login, hostKey }: JumpSpec): string {
  const lines = [
    `address: ${address}`,
    ...(port === 22 ? [] : [`port: ${port}`]),
    `login: ${login}`,
    `hostKey: ${hostKey}`,
  ];
  return `
# All hosts are reached through this one. It needs nothing but an sshd that forwards.
jump:
${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** @param made the site has volumes that this host may have to do without. @param dataRoot of the site. */
function hostText(host: ProposedHost, made: boolean, dataRoot: string | undefined): string {
  const { name, address, port, login, hostKey, architecture, disk, choices, mounts } = host;
  const root = dataRootOf(host);
  return [
    `  - name: ${name}`,
    `    address: ${address}`,
    ...(port === 22 ? [] : [`    port: ${port}`]),
    `    login: ${login}`,
    `    hostKey: ${hostKey}`,
    ...(architecture === "amd64" ? [] : [`    architecture: ${architecture}`]),
    ...(mounts.length > 0 ? mountLines(mounts, made) : diskLines(disk, choices)),
    ...(root === dataRoot ? [] : [`    daemon: { data-root: ${root} }`]),
  ].join("\n");
}

/** The roomiest is proposed; the others are named for whoever wants the journal or homes there. */
function mountLines([first, ...others]: readonly FoundMount[], made: boolean): string[] {
  if (first === undefined) return [];
  const room = ({ path, filesystem, bytes, availableBytes }: FoundMount): string =>
    `${path}  ${filesystem}, ${gib(bytes)}, ${gib(availableBytes)} available`;
  return [
    `    # No blank disk; laid out by others: ${room(first)}`,
    ...others.map((other) => `    #   and ${room(other)}`),
    "    volumes:",
    ...(made ? ["      logical: []"] : []),
    "      existing:",
    `        - { mount: ${first.path}, filesystem: ${first.filesystem} }`,
  ];
}

function gib(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 30)} GiB`;
}

function diskLines(disk: Disk | undefined, choices: readonly Disk[]): string[] {
  if (disk !== undefined) {
    const serial = disk.serial === undefined ? "" : `, serial: ${JSON.stringify(disk.serial)}`;
    const place =
      "    # This disk has no serial number, so it is named by its place: see `disk` in docs/reference/site.md.";
    return [
      `    # ${gib(disk.bytes)}, blank`,
      ...(disk.path.startsWith("/dev/disk/by-path/") ? [place] : []),
      `    volumes: { disk: ${disk.path}${serial} }`,
    ];
  }
  if (choices.length === 0)
    return [
      `    # No blank disk of at least ${gib(leastDiskBytes)} was found, and no mount of others that comes back at boot: name a disk`,
      "    # below /dev/disk/by-id, or mounts in existing.",
      "    volumes: {}",
    ];
  return [
    "    # Several blank disks: name the one that is meant.",
    ...choices.map((one) => `    #   ${one.path}  ${gib(one.bytes)}`),
    "    volumes: {}",
  ];
}
