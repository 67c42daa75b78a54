/** The first site file of an environment, as a commented text for the operator to edit. Pure. */
import { overlap, parseCidr } from "../core/site/address.ts";
import type { JumpSpec } from "../core/site/jump-host.ts";
import type { Reach } from "../core/host/probe.ts";
import type { Disk, FoundMount } from "./inventory.ts";

export interface ProposedHost extends Reach {
  readonly architecture: "amd64" | "arm64";
  /** Undefined when there is no blank disk, or several: the operator has to choose. */
  readonly disk: Disk | undefined;
  /** All blank disks, to choose from. */
  readonly choices: readonly Disk[];
  /** Existing mounts, the one with the most free space first; empty where there is a blank disk. */
  readonly mounts: readonly FoundMount[];
}

export interface SiteTemplate {
  readonly environment: string;
  /** The jump host of all hosts; absent: they are reached directly. */
  readonly jumpHost?: JumpSpec;
  readonly hosts: readonly ProposedHost[];
  /** Network for containers that nothing else uses, `172.30.0.0/16`; undefined when every candidate is taken. */
  readonly pool: string | undefined;
  readonly engine: string;
  /** Lines of authorized_keys(5) for the first user. */
  readonly keys: readonly string[];
  /** Where Sealift's schemas and documents are, from the root of the repository: `` in its own checkout, else `node_modules/sealift/`. */
  readonly toolkit: string;
  readonly bundle: { readonly directory: string; readonly allowedSigners: string; readonly lock: string };
}

/** RFC 1918, beginning with networks that few sites use. */
const candidates: readonly string[] = [
  ...[30, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18].map((second) => `172.${second}.0.0/16`),
  ...[254, 253, 200, 199].map((second) => `10.${second}.0.0/16`),
  "192.168.240.0/20",
];

/** The first candidate that does not overlap any of these networks. */
export function freePool(networks: readonly string[]): string | undefined {
  const taken = networks.flatMap((text) => parseCidr(text) ?? []);
  return candidates.find((text) => {
    const one = parseCidr(text);
    return one !== undefined && !taken.some((other) => overlap(one, other));
  });
}

/** The text of stacks/<env>.site.yaml. */
export function siteTemplateText({
  environment,
  jumpHost,
  hosts,
  pool,
  engine,
  keys,
  toolkit,
  bundle,
}: SiteTemplate): string {
  const made = hosts.some(({ mounts }) => mounts.length === 0);
  const disks = hosts.flatMap(({ disk, choices }) => (disk === undefined ? choices : [disk]));
  const roots = new Set(hosts.map(dataRootOf));
  // The site section has what most hosts have: volumes as soon as one host has them.
  const dataRoot = made ? "/data/docker" : [...roots][0];
  return `# yaml-language-server: $schema=${toolkit === "" ? "" : `../${toolkit}stacks/`}environment.schema.json
#
# The environment ${environment}. Next:
#   sealift check ${environment}      what is wrong with this file, without asking a host
#   sealift doctor ${environment}     what is wrong with the hosts, without changing one
#   pulumi stack init ${environment} && pulumi preview --stack ${environment}
# Every option with its unit, default and an example: ${toolkit}docs/reference/site.md.
bundle:
  # What was carried in, and the file that says whose signature counts.
  directory: ${bundle.directory}
  allowedSigners: ${bundle.allowedSigners}
  # How many different people must have signed. Two in production: one who is careless, or bought, is not enough.
  minSignatures: ${/prod/i.test(environment) ? 2 : 1}
  # What was reviewed: a bundle that was built from another lock is refused.
  lock: ${bundle.lock}

# The newest of this line in the lock; write three numbers for one exact version.
engine: { version: ${JSON.stringify(engine)} }
${jumpHost === undefined ? "" : jumpText(jumpHost)}
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

# An entry may also be the name of a file with a list of hosts, such as hosts/rack1.yaml. Its first line, for an editor:
#   # yaml-language-server: $schema=../${toolkit === "" ? "" : `../${toolkit}stacks/`}hosts.schema.json
hosts:
${hosts.map((host) => hostText(host, made, dataRoot)).join("\n")}
`;
}

/** The smallest disk that is proposed: it must have space for three volumes of at least 1 GiB each. */
export const minDiskBytes = 4 * 2 ** 30;

/** All hosts get the same volumes, so the smallest disk determines their size. */
function volumesText(disks: readonly Disk[]): string {
  const least = Math.min(...disks.map(({ bytes }) => bytes));
  const each = Math.max(1, Math.min(10, Math.floor(least / 2 ** 30 / 4)));
  return `
volumes:
  group: vg0
  # Sizes in GiB, or a part of what is left. They may grow later, and never shrink.
  logicalVolumes:
    - { name: svc, size: ${each}GiB, filesystem: ext4, mount: /svc }
    - { name: logs, size: ${each}GiB, filesystem: ext4, mount: /logs }
    - { name: data, size: 80%FREE, filesystem: xfs, mount: /data }
`;
}

/** On the existing mount with the most free space, or where the site's volumes have it. */
function dataRootOf({ mounts: [mount] }: ProposedHost): string {
  return mount === undefined ? "/data/docker" : `${mount.path}/docker`;
}

function jumpText({ address, port, sshUser, hostKey }: JumpSpec): string {
  const lines = [
    `address: ${address}`,
    ...(port === 22 ? [] : [`port: ${port}`]),
    `sshUser: ${sshUser}`,
    `hostKey: ${hostKey}`,
  ];
  return `
# All hosts are reached through this one. It needs nothing but an sshd that forwards.
jumpHost:
${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** @param made the site has volumes that this host may lack. @param dataRoot of the site. */
function hostText(host: ProposedHost, made: boolean, dataRoot: string | undefined): string {
  const { name, address, port, sshUser, hostKey, architecture, disk, choices, mounts } = host;
  const root = dataRootOf(host);
  return [
    `  - name: ${name}`,
    `    address: ${address}`,
    ...(port === 22 ? [] : [`    port: ${port}`]),
    `    sshUser: ${sshUser}`,
    `    hostKey: ${hostKey}`,
    ...(architecture === "amd64" ? [] : [`    architecture: ${architecture}`]),
    ...(mounts.length > 0 ? mountLines(mounts, made) : diskLines(disk, choices)),
    ...(root === dataRoot ? [] : [`    daemon: { data-root: ${root} }`]),
  ].join("\n");
}

/** The mount with the most free space is proposed; the others are listed for the journal or home directories. */
function mountLines([first, ...others]: readonly FoundMount[], made: boolean): string[] {
  if (first === undefined) return [];
  const freeSpace = ({ path, filesystem, bytes, availableBytes }: FoundMount): string =>
    `${path}  ${filesystem}, ${gib(bytes)}, ${gib(availableBytes)} available`;
  return [
    `    # No blank disk; laid out by others: ${freeSpace(first)}`,
    ...others.map((other) => `    #   and ${freeSpace(other)}`),
    "    volumes:",
    ...(made ? ["      logicalVolumes: []"] : []),
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
      "    # This disk has no serial number, so it is named by its place: see `disks` in docs/reference/site.md.";
    return [
      `    # ${gib(disk.bytes)}, blank`,
      ...(disk.path.startsWith("/dev/disk/by-path/") ? [place] : []),
      ...pathLines(disk),
      `    volumes: { disks: [{ id: ${disk.path}${serial} }] }`,
    ];
  }
  if (choices.length === 0)
    return [
      `    # No blank disk of at least ${gib(minDiskBytes)} was found, and no mount of others that comes back at boot: name a disk`,
      "    # below /dev/disk/by-id, or mounts in existing.",
      "    volumes: {}",
    ];
  return [
    "    # Several blank disks: name the one that is meant.",
    ...choices.flatMap((one) => [`    #   ${one.path}  ${gib(one.bytes)}`, ...pathLines(one)]),
    "    volumes: {}",
  ];
}

/** What has to be done first where multipath is not configured for a disk. */
function pathLines({ unjoined }: Disk): string[] {
  return unjoined === undefined
    ? []
    : [
        `    # Reached by several paths (${unjoined.join(", ")}), which nothing joins: set up multipathd, and name the disk by its`,
        "    # dm-uuid-mpath- name.",
      ];
}
