/** What a host is: its system, its clock, its kernel. */
import type { Check } from "./check.ts";
import { supportedSystems } from "./supported-systems.ts";

export const hostChecks = {
  free: {
    group: "system",
    level: "warn",
    error: "E_HOST_LOCKED",
    looksAt: "the lock of a run that changes something: who holds it and since when",
    todo: "let it end first: an update that changes this host waits two minutes for it, then gives up",
  },
  boot: {
    group: "system",
    level: "fail",
    error: "E_DUPLICATE",
    looksAt:
      "/proc/sys/kernel/random/boot_id: two hosts of the site that have the same one and the same host key are one machine",
    todo: "remove one of the two hosts from the site file, or correct its address",
  },
  os: {
    group: "system",
    level: "fail",
    error: "E_OS",
    looksAt: "ID and VERSION_ID of /etc/os-release: " + supportedSystems.join(", "),
    todo: `install one of ${supportedSystems.join(", ")}`,
  },
  architecture: {
    group: "system",
    level: "fail",
    error: "E_ARCH",
    looksAt:
      "the processor against the host's architecture in the site file, by which the bundle's engine is taken",
    todo: "set the host's architecture, and carry an engine for it in the bundle",
  },
  commands: {
    group: "system",
    level: "fail",
    error: "E_HOST_TOOLS",
    looksAt: "the commands that the phases call, and systemd as init",
    todo: "install the packages that hold them (lvm2, xfsprogs, e2fsprogs, iptables, iproute2, procps)",
  },
  memory: {
    group: "system",
    level: "warn",
    error: "E_MEMORY",
    looksAt: "MemTotal of /proc/meminfo: 900 MiB, which is 1 GiB less what the kernel keeps",
    todo: "give the host at least 1 GiB of memory",
  },
  hostname: {
    group: "system",
    level: "warn",
    error: "E_HOSTNAME",
    looksAt: "the host's own name in /etc/hosts, in capitals or not, or myhostname in /etc/nsswitch.conf",
    todo: 'add a line "127.0.1.1 <name>" to /etc/hosts, or sudo and the engine wait for a name server',
  },
  clock: {
    group: "clock",
    level: "fail",
    error: "E_CLOCK",
    looksAt: "the clock against the operator's, less the age of the ssh session: 60 s",
    todo: "set the clock of whichever is wrong, and have chrony or systemd-timesyncd follow a server of the site",
  },
  "clock-near": {
    group: "clock",
    level: "warn",
    error: "E_CLOCK",
    looksAt: "the same: 5 s",
    todo: "have chrony or systemd-timesyncd follow a server of the site",
  },
  "kernel-modules": {
    group: "kernel",
    level: "fail",
    error: "E_KERNEL",
    looksAt: "/sys/module, and the index of modprobe in a dry run, for overlay, bridge, netfilter",
    todo: "install the kernel's whole package (on Ubuntu linux-modules-extra-<release>), or boot the newest installed kernel",
  },
  "kernel-features": {
    group: "kernel",
    level: "fail",
    error: "E_KERNEL",
    looksAt:
      "/proc/self/ns, /proc/sys and /boot/config-<release> for namespaces, seccomp, keys, POSIX_MQUEUE, CGROUP_BPF",
    todo: "boot a kernel of the distribution",
  },
  cgroup: {
    group: "kernel",
    level: "fail",
    error: "E_CGROUP",
    looksAt: "/sys/fs/cgroup/cgroup.controllers for cpu, cpuset, io, memory, pids",
    todo: "take systemd.unified_cgroup_hierarchy=0 and cgroup_disable=… off the kernel's command line and boot again",
  },
  iptables: {
    group: "kernel",
    level: "fail",
    error: "E_IPTABLES",
    looksAt: "iptables --version, and the list of the nat table where it is loaded already",
    todo: "run what was found by hand; update-alternatives --config iptables chooses between nft and legacy",
  },
  apparmor: {
    group: "kernel",
    level: "warn",
    error: "E_APPARMOR",
    looksAt: "AppArmor on means /sbin/apparmor_parser; Ubuntu's restriction of user namespaces is noted",
    todo: "install the package apparmor: engines skip the profile of containers without a word when its parser is not there",
  },
  selinux: {
    group: "kernel",
    level: "warn",
    error: "E_SELINUX",
    looksAt: "/sys/fs/selinux/enforce",
    todo: "make it permissive, or label data-root and the engine's programs yourself: Sealift labels nothing",
  },
  sysctls: {
    group: "kernel",
    level: "warn",
    error: "E_SYSCTL",
    looksAt:
      "inotify limits and vm.max_map_count below the kernel's defaults; bridge-nf-call-iptables 0; rp_filter 1 with several cards; ip_forward 0 in a file",
    todo: "write the wanted value into a file in /etc/sysctl.d and run sysctl --system",
  },
} as const satisfies Record<string, Check>;
