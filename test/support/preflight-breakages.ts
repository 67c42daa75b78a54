/** What goes wrong on hosts, done by hand to a guest, one thing at a time. */

/** A check that holds, a command that breaks it, what it then finds, and the way back, after which it holds again. */
export interface Breakage {
  readonly what: string;
  readonly call: readonly [string, ...string[]];
  readonly by: string;
  readonly found: RegExp;
  readonly back: string;
}

const pool = "172.16.0.0/12";
export const breakages: readonly Breakage[] = [
  {
    what: "a host name that nobody knows",
    call: ["check_hostname"],
    by: "cp /etc/hosts /run/hosts && sed -i /lab/d /etc/hosts",
    found: /^lab is not in \/etc\/hosts$/,
    back: "cp /run/hosts /etc/hosts",
  },
  {
    what: "a kernel whose modules are gone",
    call: ["check_kernel_modules", "nf_nat", "xt_MASQUERADE", "virtio_net", "nft_chain_nat|iptable_nat"],
    by: "mount -t tmpfs none /usr/lib/modules",
    found: /^kernel \S+ has no nf_nat xt_MASQUERADE nft_chain_nat\|iptable_nat$/,
    back: "umount /usr/lib/modules",
  },
  {
    what: "a kernel without control groups by BPF",
    call: ["check_kernel_features"],
    by: 'mount -t tmpfs none /boot && echo "# CONFIG_CGROUP_BPF is not set" >/boot/config-$(uname -r)',
    found: /^kernel \S+ lacks CGROUP_BPF$/,
    back: "umount /boot",
  },
  {
    what: "an iptables that does not work",
    call: ["check_iptables"],
    by: "mount --bind /usr/bin/false $(readlink -f /usr/sbin/iptables)",
    found: /^iptables --version: /,
    back: "umount $(readlink -f /usr/sbin/iptables)",
  },
  {
    what: "limits below the kernel's own, and a file that switches forwarding off",
    call: ["check_sysctls"],
    by: "sysctl -qw fs.inotify.max_user_instances=10 && echo net.ipv4.ip_forward = 0 >/etc/sysctl.d/hard.conf",
    found:
      /^fs\.inotify\.max_user_instances=10 \(wants 128 or more\), \/etc\/sysctl\.d\/hard\.conf has net\.ipv4\.ip_forward = 0 \(wants 1,/,
    back: "sysctl -qw fs.inotify.max_user_instances=128 && rm /etc/sysctl.d/hard.conf",
  },
  {
    what: "a listener on Docker's port",
    call: ["check_ports_free", "2375", "2376"],
    by: "systemd-run -q --unit=listen systemd-socket-activate -l 2375 /bin/true && timeout 20 sh -c 'until ss -Hltn sport = :2375 | grep -q .; do sleep 0.2; done'",
    found: /^in use: 2375 \(systemd-socket-\S*, pid \d+\)$/,
    back: "systemctl stop listen",
  },
  {
    what: "a network card with small packets",
    call: ["check_mtu", "1500"],
    by: "ip link set ens3 mtu 1400",
    found: /^ens3 carries 1400 bytes, containers would send 1500$/,
    back: "ip link set ens3 mtu 1500",
  },
  {
    what: "a route into a pool, in a table of its own",
    call: ["check_pools_free", "192.168.0.0/16", pool],
    by: "ip route add blackhole 172.20.5.0/24 table 77",
    found: /^pool 172\.16\.0\.0\/12 and route 172\.20\.5\.0\/24 by blackhole$/,
    back: "ip route del blackhole 172.20.5.0/24 table 77",
  },
  {
    what: "a login that only the default route leads back to, from an address in a pool",
    call: ["check_ssh_path", pool, "10.0.0.0/8"],
    by: "ip route add default dev ens3 && ip route del 10.0.2.0/24",
    found: /^this login comes from 10\.0\.2\.2, which lies in pool 10\.0\.0\.0\/8$/,
    back: "ip route add 10.0.2.0/24 dev ens3 src 10.0.2.15 && ip route del default",
  },
  {
    what: "a firewall that comes with the boot",
    call: ["check_firewall"],
    by: "mkdir -p /etc/systemd/system/sysinit.target.wants && ln -s /nowhere /etc/systemd/system/sysinit.target.wants/nftables.service",
    found: /^nftables\.service is enabled$/,
    back: "rm /etc/systemd/system/sysinit.target.wants/nftables.service",
  },
  {
    what: "too little room",
    call: ["check_space", "296:/opt/docker:/opt/docker/1", "10:/var/lib/sealift:-"],
    by: "mount -t tmpfs -o size=20m none /opt",
    found: /^on \/opt 20 MiB are free and 296 MiB will be written$/,
    back: "umount /opt",
  },
  {
    what: "too few inodes",
    call: ["check_space", "10:/opt/docker:-", "10:.sealift/blobs/x:-"],
    by: "mount -t tmpfs -o size=20m,nr_inodes=100 none /opt",
    found: /^on \/opt 9\d inodes are free$/,
    back: "umount /opt",
  },
  {
    what: "a folder from which nothing runs",
    call: ["check_mount_runs", "/opt", "/var/lib"],
    by: "mount -t tmpfs -o noexec none /opt",
    found: /^\/opt is on \/opt, mounted noexec$/,
    back: "umount /opt",
  },
  {
    what: "a folder that cannot be written",
    call: ["check_mount_runs", "/opt/docker/28.5.2"],
    by: "mount -t tmpfs -o ro none /opt",
    found: /^\/opt\/docker\/28\.5\.2 is on \/opt, mounted read-only$/,
    back: "umount /opt",
  },
  {
    what: "snap's Docker",
    call: ["check_no_foreign_engine"],
    by: "mkdir -p /var/snap/docker",
    found: /^found: snap docker \(snap remove docker\)$/,
    back: "rm -r /var/snap",
  },
  {
    what: "a unit from elsewhere",
    call: ["check_no_foreign_engine"],
    by: "echo [Service] >/etc/systemd/system/docker.service",
    found:
      /^found: \/etc\/systemd\/system\/docker\.service \(systemctl disable --now it and delete the file\)$/,
    back: "rm /etc/systemd/system/docker.service",
  },
  {
    what: "a docker-proxy that would be taken before ours",
    call: ["check_no_foreign_engine"],
    by: "mkdir -p /usr/libexec/docker && touch /usr/libexec/docker/docker-proxy",
    found: /^found: \/usr\/libexec\/docker\/docker-proxy \(left over: delete it\)$/,
    back: "rm -r /usr/libexec/docker",
  },
  {
    what: "a daemon that runs from elsewhere",
    call: ["check_no_foreign_engine"],
    by: "cp /usr/bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=strange /usr/local/bin/dockerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd; do sleep 0.2; done'",
    found: /^found: process \d+ \/usr\/local\/bin\/dockerd \(stop and disable its unit\)$/,
    back: "systemctl stop strange && rm /usr/local/bin/dockerd",
  },
];
