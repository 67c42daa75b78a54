/** Requirements before anything is changed, as facts. They are only checked, never applied. */
import { uploadPath, storePath, type Archive, type Blob } from "../core/host/blob.ts";
import type { HostSpec, VolumesSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { daemonNeeds } from "./daemon-needs.ts";
import { addressPools } from "./pools.ts";
import { supportedSystems } from "./supported-systems.ts";

const commands = [
  "awk",
  "cmp",
  "diff",
  "findmnt",
  "flock",
  "getent",
  "gpasswd",
  "ip",
  "iptables",
  "modprobe",
  "ps",
  "readlink",
  "systemctl",
  "tar",
  "timeout",
] as const;

/** In addition: the commands that create volumes and protect an unused mount point. */
const volumeCommands = ["blkid", "dumpe2fs", "lvcreate", "mkfs.ext4", "mkfs.xfs", "wipefs"] as const;
const mountPointCommands = ["chattr"] as const;

/** The commands that download from a registry and check its CA, and that create one. */
const clientCommands = ["curl", "openssl"] as const;
const registryCommands = ["perl", "ss"] as const;

/** The command that proves the paths between the members of a swarm. */
const swarmCommands = ["perl"] as const;

/** The command with which the engine writes its rules, where it is configured so (moby libnetwork/internal/nftables, 29.0). */
const nftablesCommands = ["nft"] as const;

/** Required modules; iptables works with nf_tables or with its own tables (moby contrib/check-config.sh, 29.7.2). */
const modules = [
  "overlay",
  "bridge",
  "br_netfilter",
  "veth",
  "nf_conntrack",
  "nf_nat",
  "xt_addrtype",
  "xt_conntrack",
  "xt_MASQUERADE",
  "xt_nat",
  "nf_tables|iptable_filter",
  "nft_compat|iptable_mangle",
  "nft_compat|iptable_raw",
  "nft_chain_nat|iptable_nat",
] as const;

/** Overlay networks, encrypted ones, and addresses of services (the same source, and overlay/encryption.go and osl/ipvs of libnetwork). */
const overlayModules = ["vxlan"] as const;
const encryptionModules = ["esp4", "xfrm_user", "xt_policy", "xt_bpf"] as const;
const serviceModules = ["ip_vs", "ip_vs_rr"] as const;

const controllers = ["cpu", "cpuset", "io", "memory", "pids"] as const;

/** Ports of an engine on TCP, without and with TLS (IANA: docker, docker-s). */
const enginePorts = [2375, 2376] as const;

/**
 * Seconds between the clocks: above the first limit TLS to a registry may fail; a host with a time server stays below the second.
 */
const clockLimits = { fail: 60, warn: 5 } as const;

/** 1 GiB minus what the kernel reserves. */
const leastMemoryMiB = 900;

/** Docker's default (dockerd --help, 29.7.2: --mtu). */
const engineMtu = 1500;

/**
 * @param archive the engine for the host; undefined when there is no bundle.
 * @param clock the operator's clock, in seconds since 1970.
 * @param images blobs of images that are sent to the host. Default none.
 */
export function preflightSteps(
  host: HostSpec,
  archive: Archive | undefined,
  clock: number,
  images: readonly Blob[] = [],
): readonly Step[] {
  const { fail, warn } = clockLimits;
  const needs = daemonNeeds(host);
  return [
    check("free", "no other run is in progress on this host", "host_free"),
    check("boot", "the host reports its boot id", "boot"),
    check("os", "the operating system is supported", "os", ...supportedSystems),
    check("architecture", `the processor is ${host.architecture}`, "architecture", host.architecture),
    check(
      "commands",
      "the commands of the base system are installed",
      "commands",
      ...commands,
      ...storageCommands(host.volumes),
      ...(host.registry === undefined ? [] : clientCommands),
      ...(host.registry?.serves === undefined ? [] : registryCommands),
      ...(host.daemon["firewall-backend"] === "nftables" ? nftablesCommands : []),
      ...(host.swarm === undefined ? [] : swarmCommands),
    ),
    check(
      "memory",
      `the host has at least ${leastMemoryMiB} MiB of memory`,
      "memory",
      String(leastMemoryMiB),
    ),
    check("hostname", "the host resolves its own name locally", "hostname"),
    check(
      "clock",
      `the clock is within ${fail} s of the operator's`,
      "clock",
      String(clock),
      String(fail),
      "0",
    ),
    check(
      "clock-near",
      `the clock is within ${warn} s of the operator's`,
      "clock",
      String(clock),
      String(warn),
      String(fail),
    ),
    check("kernel-modules", "the kernel has the modules that containers need", "kernel_modules", ...modules),
    ...swarmModuleSteps(host.swarm),
    check("kernel-features", "the kernel has the built-in features that containers need", "kernel_features"),
    check("cgroup", "cgroup v2 has the controllers that containers need", "cgroup", ...controllers),
    check("iptables", "iptables works", "iptables"),
    check("apparmor", "AppArmor is disabled, or enabled and complete", "apparmor"),
    check("selinux", "SELinux is not enforcing", "selinux"),
    check("sysctls", "no kernel setting is too restrictive for containers", "sysctls"),
    check("engine", "no other Docker is installed", "no_foreign_engine"),
    check(
      "data",
      "no containers, volumes or images of another Docker remain outside the site's data-root",
      "no_orphaned_data",
      host.daemon["data-root"],
      ...(host.engine.adopt === undefined ? [] : [host.engine.adopt.from]),
    ),
    check("units", "only Sealift defines or changes the engine's units", "no_foreign_unit_files"),
    check("masked", "none of the engine's units is masked", "units_unmasked"),
    ...(needs.length === 0
      ? []
      : [check("daemon", "everything that daemon.json refers to exists", "daemon_needs", ...needs)]),
    ...networkSteps(host),
    ...diskSpaceSteps(archive, host.registry !== undefined, images),
  ];
}

/** A host whose storage is prepared by others needs neither LVM nor mkfs. */
function storageCommands({ logicalVolumes, journal }: VolumesSpec): readonly string[] {
  return [
    ...(logicalVolumes.length === 0 ? [] : volumeCommands),
    ...(logicalVolumes.length === 0 && journal === undefined ? [] : mountPointCommands),
  ];
}

function swarmModuleSteps(swarm: HostSpec["swarm"]): readonly Step[] {
  if (swarm === undefined) return [];
  const encrypted = swarm.networks.some((network) => network.encrypted);
  return [
    check(
      "swarm-modules",
      `the kernel has the modules of ${encrypted ? "encrypted " : ""}overlay networks`,
      "kernel_modules",
      ...overlayModules,
      ...(encrypted ? encryptionModules : []),
    ),
    check(
      "swarm-addresses",
      "the kernel has the modules of addresses of services",
      "kernel_modules",
      ...serviceModules,
    ),
  ];
}

function networkSteps({ daemon, swarm }: Pick<HostSpec, "daemon" | "swarm">): readonly Step[] {
  const { site, builtin } = addressPools(daemon);
  const mtu = String(typeof daemon["mtu"] === "number" ? daemon["mtu"] : engineMtu);
  const dns = daemon["dns"];
  return [
    check(
      "ports",
      `no process listens on TCP port ${enginePorts.join(" or ")}`,
      "ports_free",
      ...enginePorts.map(String),
    ),
    check("mtu", `the network carries packets of ${mtu} bytes`, "mtu", mtu),
    ...(site.length === 0
      ? []
      : [check("pools", `no route overlaps the site's pools ${site.join(", ")}`, "pools_free", ...site)]),
    ...(builtin.length === 0
      ? []
      : [check("pools-builtin", "no route overlaps the engine's built-in pools", "pools_free", ...builtin)]),
    ...(swarm === undefined ? [] : [swarmPoolStep(swarm)]),
    check("ssh-path", "the operator's address is in no pool", "ssh_path", ...site, ...builtin),
    ...(Array.isArray(dns) && dns.length > 0
      ? []
      : [check("resolver", "resolv.conf has a name server that containers can reach", "resolver")]),
    check("firewall", "no other firewall is active", "firewall"),
  ];
}

function swarmPoolStep({ addressPool, ingress }: NonNullable<HostSpec["swarm"]>): Step {
  const pools = [addressPool.base, ...(ingress.subnet === undefined ? [] : [ingress.subnet])];
  const fact = `no route or address of the host overlaps the networks of the swarm, ${pools.join(", ")}`;
  return check("swarm-pools", fact, "swarm_pools_free", ...pools);
}

/** What is written where, in MiB, and the path whose existence shows that it is already there. */
function diskSpaceSteps(
  archive: Archive | undefined,
  fetched: boolean,
  images: readonly Blob[],
): readonly Step[] {
  const engine = archive === undefined ? [] : engineSpace(archive, fetched);
  return [
    check(
      "space",
      "there is enough free space for what will be written",
      "space",
      ...engine,
      ...images.flatMap(imageSpace),
      "64:/tmp:-",
      "16:/etc:-",
    ),
    check("mounts", "programs can run from /opt and /var/lib", "mount_runs", "/opt", "/var/lib"),
    check("tmp", "programs can run from /tmp", "mount_runs", "/tmp"),
  ];
}

/** @param fetched from a registry, so that nothing is written to the SSH user's home. */
function engineSpace({ sha256, bytes, version }: Archive, fetched: boolean): readonly string[] {
  const mib = Math.ceil(bytes / 2 ** 20);
  const kept = storePath(sha256);
  return [
    // The programs are two to three times the size of their archive, and are complete before they replace the old ones.
    `${4 * mib}:/opt/docker:/opt/docker/${version}`,
    `${mib}:/var/lib/sealift:${kept}`,
    ...(fetched ? [] : [`${mib}:${uploadPath(sha256)}:${kept}`]),
  ];
}

/** A blob of an image that is sent. What the engine makes of it is on a volume that may not exist yet. */
function imageSpace({ sha256, bytes }: Blob): readonly string[] {
  const mib = Math.ceil(bytes / 2 ** 20);
  const kept = storePath(sha256);
  return [`${mib}:/var/lib/sealift:${kept}`, `${mib}:${uploadPath(sha256)}:${kept}`];
}

/** Its value is the same for two hosts of a site only if they are one machine. */
export const bootCode = "preflight.boot";

function check(code: string, fact: string, ...call: [string, ...string[]]): Step {
  return { code: `preflight.${code}`, fact, effect: "none", call };
}
