/** Checks of the operating system, the clock and the kernel. */
import type { Check } from "./check.ts";
import { supportedSystems } from "./supported-systems.ts";

export const hostChecks = {
  free: {
    group: "system",
    level: "warn",
    error: "E_HOST_LOCKED",
    examines: "the lock of a run that changes the host: its holder and its age",
    fix: "wait until the other run ends; an update that changes this host waits two minutes for the lock, then fails",
  },
  boot: {
    group: "system",
    level: "fail",
    error: "E_DUPLICATE",
    examines:
      "/proc/sys/kernel/random/boot_id: two hosts of the site with the same boot id and the same host key are one machine",
    fix: "remove one of the two hosts from the site file, or correct its address",
  },
  os: {
    group: "system",
    level: "fail",
    error: "E_OS",
    examines: "ID and VERSION_ID of /etc/os-release: " + supportedSystems.join(", "),
    fix: `install a supported system: ${supportedSystems.join(", ")}`,
  },
  architecture: {
    group: "system",
    level: "fail",
    error: "E_ARCH",
    examines:
      "the processor against the host's architecture in the site file, which selects the engine from the bundle",
    fix: "correct the host's architecture in the site file, and add an engine for it to the bundle",
  },
  commands: {
    group: "system",
    level: "fail",
    error: "E_HOST_TOOLS",
    examines: "the commands that the phases call, and systemd as init",
    fix: "install the packages that provide them (lvm2, xfsprogs, e2fsprogs, iptables, nftables, iproute2, procps)",
  },
  memory: {
    group: "system",
    level: "warn",
    error: "E_MEMORY",
    examines: "MemTotal of /proc/meminfo: at least 900 MiB, which is 1 GiB minus what the kernel reserves",
    fix: "give the host at least 1 GiB of memory",
  },
  hostname: {
    group: "system",
    level: "warn",
    error: "E_HOSTNAME",
    examines: "the host's own name in /etc/hosts (case-insensitive), or myhostname in /etc/nsswitch.conf",
    fix: 'add a line "127.0.1.1 <name>" to /etc/hosts; without it sudo and the engine wait for a name server',
  },
  clock: {
    group: "clock",
    level: "fail",
    error: "E_CLOCK",
    examines: "the clock against the operator's, corrected by the age of the ssh session: at most 60 s apart",
    fix: "correct the clock that is wrong, and configure chrony or systemd-timesyncd with a time server of the site",
  },
  "clock-near": {
    group: "clock",
    level: "warn",
    error: "E_CLOCK",
    examines: "the clock, as above: at most 5 s apart",
    fix: "configure chrony or systemd-timesyncd with a time server of the site",
  },
  "kernel-modules": {
    group: "kernel",
    level: "fail",
    error: "E_KERNEL",
    examines:
      "overlay, bridge and netfilter modules in /sys/module or, by a dry run, in the index of modprobe",
    fix: "install all modules of the kernel (on Ubuntu linux-modules-extra-<release>), or boot the newest installed kernel",
  },
  "swarm-modules": {
    group: "kernel",
    level: "fail",
    error: "E_KERNEL",
    examines:
      "members of a swarm: vxlan, and where a network is encrypted esp4, xfrm_user, xt_policy and xt_bpf, as above",
    fix: "install all modules of the kernel (on Ubuntu linux-modules-extra-<release>), or boot the newest installed kernel: overlay networks need them",
  },
  "swarm-addresses": {
    group: "kernel",
    level: "warn",
    error: "E_KERNEL",
    examines: "members of a swarm: ip_vs and ip_vs_rr, as above",
    fix: "install all modules of the kernel; without them only services with endpoint_mode: dnsrr and ports in mode: host work on this host",
  },
  "kernel-features": {
    group: "kernel",
    level: "fail",
    error: "E_KERNEL",
    examines:
      "/proc/self/ns, /proc/sys and /boot/config-<release> for namespaces, seccomp, keys, POSIX_MQUEUE, CGROUP_BPF",
    fix: "boot the distribution's own kernel",
  },
  cgroup: {
    group: "kernel",
    level: "fail",
    error: "E_CGROUP",
    examines: "/sys/fs/cgroup/cgroup.controllers for cpu, cpuset, io, memory, pids",
    fix: "remove systemd.unified_cgroup_hierarchy=0 and cgroup_disable=… from the kernel command line and reboot",
  },
  iptables: {
    group: "kernel",
    level: "fail",
    error: "E_IPTABLES",
    examines: "iptables --version, and a listing of the nat table if it is already loaded",
    fix: "run the failing command on the host; update-alternatives --config iptables chooses between nft and legacy",
  },
  apparmor: {
    group: "kernel",
    level: "warn",
    error: "E_APPARMOR",
    examines:
      "/sbin/apparmor_parser, if AppArmor is enabled; reports Ubuntu's restriction of user namespaces",
    fix: "install the apparmor package",
  },
  selinux: {
    group: "kernel",
    level: "warn",
    error: "E_SELINUX",
    examines: "/sys/fs/selinux/enforce",
    fix: "set SELinux to permissive, or label data-root and the engine's programs yourself: Sealift does not label files",
  },
  sysctls: {
    group: "kernel",
    level: "warn",
    error: "E_SYSCTL",
    examines:
      "inotify limits and vm.max_map_count below the kernel's defaults; bridge-nf-call-iptables = 0; rp_filter = 1 with several network interfaces; ip_forward = 0 in a sysctl file",
    fix: "write the expected value to a file in /etc/sysctl.d and run sysctl --system",
  },
} as const satisfies Record<string, Check>;
