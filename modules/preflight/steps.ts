/** What has to hold before anything is changed, as facts. They are only ever checked. */
import { arrivalPath, keptPath, type Archive } from "../core/blob.ts";
import type { DaemonSpec, HostSpec, VolumesSpec } from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
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

/** Beside them: what makes volumes, and what keeps a bare mount point unwritten. */
const volumeCommands = ["blkid", "dumpe2fs", "lvcreate", "mkfs.ext4", "mkfs.xfs", "wipefs"] as const;
const mountPointCommands = ["chattr"] as const;

/** What fetches from a registry and looks at its CA, and what makes one. */
const clientCommands = ["curl", "openssl"] as const;
const registryCommands = ["perl", "ss"] as const;

/** What the engine writes its rules with, where it is told to (moby libnetwork/internal/nftables, 29.0). */
const nftablesCommands = ["nft"] as const;

/** Modules that must be there; iptables works by nf_tables or by tables of its own (moby contrib/check-config.sh, 29.7.2). */
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

const controllers = ["cpu", "cpuset", "io", "memory", "pids"] as const;

/** Ports of an engine that answers on TCP, without and with TLS (IANA: docker, docker-s). */
const enginePorts = [2375, 2376] as const;

/** Seconds between the clocks: from here on TLS to a registry may fail; and what a host with a time server never shows. */
const clockLimits = { fail: 60, warn: 5 } as const;

/** 1 GiB less what the kernel keeps for itself. */
const leastMemoryMiB = 900;

/** Docker's own (dockerd --help, 29.7.2: --mtu). */
const engineMtu = 1500;

/**
 * @param archive the engine that the host gets; undefined when there is no bundle to say.
 * @param clock the operator's clock, in seconds since 1970.
 */
export function preflightSteps(host: HostSpec, archive: Archive | undefined, clock: number): readonly Step[] {
  const { fail, warn } = clockLimits;
  const needs = daemonNeeds(host);
  return [
    check("free", "no other run works on this host", "host_free"),
    check("boot", "the host says which boot it is in", "boot"),
    check("os", "the operating system is supported", "os", ...supportedSystems),
    check("architecture", `the processor is ${host.architecture}`, "architecture", host.architecture),
    check(
      "commands",
      "the commands of the base system are there",
      "commands",
      ...commands,
      ...storageCommands(host.volumes),
      ...(host.registry === undefined ? [] : clientCommands),
      ...(host.registry?.serves === undefined ? [] : registryCommands),
      ...(host.daemon["firewall-backend"] === "nftables" ? nftablesCommands : []),
    ),
    check("memory", `there are ${leastMemoryMiB} MiB of memory`, "memory", String(leastMemoryMiB)),
    check("hostname", "the host knows its own name", "hostname"),
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
    check("kernel-modules", "the kernel has what containers need as modules", "kernel_modules", ...modules),
    check("kernel-features", "the kernel has what containers need built in", "kernel_features"),
    check("cgroup", "cgroup v2 has the controllers of containers", "cgroup", ...controllers),
    check("iptables", "iptables works", "iptables"),
    check("apparmor", "AppArmor is off, or whole", "apparmor"),
    check("selinux", "SELinux does not enforce", "selinux"),
    check("sysctls", "no setting of the kernel is too tight for containers", "sysctls"),
    check("engine", "no other Docker is installed", "no_foreign_engine"),
    check(
      "data",
      "nothing of another Docker lies where nobody would see it",
      "no_orphaned_data",
      host.daemon["data-root"],
      ...(host.engine.adopt === undefined ? [] : [host.engine.adopt.from]),
    ),
    check("units", "nothing but Sealift makes or changes the engine's units", "no_foreign_unit_files"),
    check("masked", "none of the engine's units is masked", "units_unmasked"),
    ...(needs.length === 0
      ? []
      : [check("daemon", "what daemon.json names is there", "daemon_needs", ...needs)]),
    ...networkSteps(host.daemon),
    ...roomSteps(archive, host.registry !== undefined),
  ];
}

/** A host whose storage others have laid out needs no LVM, and nothing that makes file systems. */
function storageCommands({ logical, journal }: VolumesSpec): readonly string[] {
  return [
    ...(logical.length === 0 ? [] : volumeCommands),
    ...(logical.length === 0 && journal === undefined ? [] : mountPointCommands),
  ];
}

function networkSteps(daemon: DaemonSpec): readonly Step[] {
  const { site, builtin } = addressPools(daemon);
  const mtu = String(typeof daemon["mtu"] === "number" ? daemon["mtu"] : engineMtu);
  const dns = daemon["dns"];
  return [
    check("ports", `nobody listens on ${enginePorts.join(" or ")}`, "ports_free", ...enginePorts.map(String)),
    check("mtu", `the network carries packets of ${mtu} bytes`, "mtu", mtu),
    ...(site.length === 0
      ? []
      : [check("pools", `no route overlaps the site's pools ${site.join(", ")}`, "pools_free", ...site)]),
    ...(builtin.length === 0
      ? []
      : [check("pools-builtin", "no route overlaps the engine's built-in pools", "pools_free", ...builtin)]),
    check("ssh-path", "the operator's address is in no pool", "ssh_path", ...site, ...builtin),
    ...(Array.isArray(dns) && dns.length > 0
      ? []
      : [check("resolver", "resolv.conf names a server that containers reach", "resolver")]),
    check("firewall", "no other firewall is on", "firewall"),
  ];
}

/** What goes where, in MiB, and the file or folder that says that it is there already. */
function roomSteps(archive: Archive | undefined, fetched: boolean): readonly Step[] {
  const engine = archive === undefined ? [] : engineRoom(archive, fetched);
  return [
    check("space", "there is room for what will be written", "space", ...engine, "64:/tmp:-", "16:/etc:-"),
    check("mounts", "programs run from /opt and /var/lib", "mount_runs", "/opt", "/var/lib"),
    check("tmp", "programs run from /tmp", "mount_runs", "/tmp"),
  ];
}

/** @param fetched from a registry, so that nothing arrives in the login's home. */
function engineRoom({ sha256, bytes, version }: Archive, fetched: boolean): readonly string[] {
  const mib = Math.ceil(bytes / 2 ** 20);
  const kept = keptPath(sha256);
  return [
    // The programs come out at two to three times their archive, and are complete before they take the old ones' place.
    `${4 * mib}:/opt/docker:/opt/docker/${version}`,
    `${mib}:/var/lib/sealift:${kept}`,
    ...(fetched ? [] : [`${mib}:${arrivalPath(sha256)}:${kept}`]),
  ];
}

/** Its value is the same for two hosts of a site only when they are one machine. */
export const bootCode = "preflight.boot";

function check(code: string, fact: string, ...call: [string, ...string[]]): Step {
  return { code: `preflight.${code}`, fact, effect: "none", call };
}
