import assert from "node:assert/strict";
import { test } from "node:test";
import { supportedSystems } from "../../modules/preflight/supported-systems.ts";
import { onRecorded } from "../support/fixtures/recorded-host.ts";

/** Checks on recorded files of other systems: Ubuntu's, and states that a guest cannot be put into. */
const passes = { exitCode: 0, output: "" };

test("the operating system, from os-release", () => {
  const release = (id: string, version: string): Record<string, string> => ({
    "/etc/os-release": `PRETTY_NAME="X"\nID=${id}\nVERSION_ID="${version}"\n`,
  });
  assert.deepEqual(onRecorded(release("ubuntu", "24.04"), "check_os", ...supportedSystems), passes);
  const other = onRecorded(release("ubuntu", "20.04"), "check_os", ...supportedSystems);
  assert.deepEqual(other, { exitCode: 1, output: "ubuntu:20.04" });
});

test("with systemd-resolved, its list of name servers is used", () => {
  const stub =
    "# This is /run/systemd/resolve/stub-resolv.conf\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n";
  const upstream = (text: string): Record<string, string> => ({
    "/run/systemd/resolve/stub-resolv.conf": stub,
    "/etc/resolv.conf": stub,
    "/run/systemd/resolve/resolv.conf": text,
  });
  assert.deepEqual(onRecorded(upstream("nameserver 10.20.0.2\nsearch site\n"), "check_resolver"), passes);
  assert.deepEqual(onRecorded(upstream("nameserver 127.0.0.1"), "check_resolver"), {
    exitCode: 1,
    output: "/run/systemd/resolve/resolv.conf has 127.0.0.1",
  });
  assert.equal(onRecorded({ "/etc/resolv.conf": stub }, "check_resolver").exitCode, 1);
  assert.deepEqual(
    onRecorded({ "/etc/resolv.conf": "nameserver 127.0.0.1\nnameserver 10.0.0.1\n" }, "check_resolver"),
    passes,
  );
});

test("a name server that is the host itself, or link-local, cannot be reached from containers", () => {
  const behind = (server: string): ReturnType<typeof onRecorded> =>
    onRecorded(
      {
        "/etc/resolv.conf": "nameserver 127.0.0.53\r\noptions edns0\r\n",
        "/run/systemd/resolve/resolv.conf": `nameserver ${server}\n`,
      },
      "check_resolver",
    );
  for (const server of ["0.0.0.0", "::", "fe80::1%eth0", "fe80::1%2", "fe80::1", "127.0.0.1", "::1"])
    assert.equal(behind(server).output, `/run/systemd/resolve/resolv.conf has ${server}`);
  for (const server of ["10.0.0.53", "fd00::53", "fec0::53"]) assert.deepEqual(behind(server), passes);
});

test("ufw and firewalld", () => {
  const ufw = (enabled: string): Record<string, string> => ({
    "/etc/ufw/ufw.conf": `# /etc/ufw/ufw.conf\n#\n\nENABLED=${enabled}\n\nLOGLEVEL=low\n`,
  });
  assert.deepEqual(onRecorded(ufw("no"), "check_firewall"), passes);
  assert.deepEqual(onRecorded(ufw("yes"), "check_firewall"), { exitCode: 1, output: "ufw is enabled" });
  const both = { ...ufw("yes"), "/sys/fs/cgroup/system.slice/firewalld.service/": "" };
  assert.equal(onRecorded(both, "check_firewall").output, "ufw is enabled, firewalld is running");
});

test("AppArmor: disabled, enabled with its parser, enabled with Ubuntu's restriction, enabled without the parser", () => {
  const on = { "/sys/module/apparmor/parameters/enabled": "Y\n" };
  const parser = { "/sbin/apparmor_parser": "-> /bin/true" };
  const restricted = { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" };
  assert.equal(onRecorded({}, "check_apparmor").output, "AppArmor is disabled");
  assert.equal(onRecorded({ ...on, ...parser }, "check_apparmor").output, "AppArmor is enabled");
  assert.deepEqual(onRecorded({ ...on, ...parser, ...restricted }, "check_apparmor"), {
    exitCode: 0,
    output: "AppArmor is enabled; unprivileged user namespaces are restricted",
  });
  assert.equal(onRecorded(on, "check_apparmor").exitCode, 1);
});

test("SELinux enforcing, and permissive", () => {
  assert.deepEqual(onRecorded({ "/sys/fs/selinux/enforce": "0" }, "check_selinux"), passes);
  assert.deepEqual(onRecorded({ "/sys/fs/selinux/enforce": "1" }, "check_selinux"), {
    exitCode: 1,
    output: "SELinux is enforcing",
  });
  assert.deepEqual(onRecorded({}, "check_selinux"), passes);
});

test("cgroup v1, and v2 with a disabled controller", () => {
  assert.equal(
    onRecorded({ "/sys/fs/cgroup/memory/": "" }, "check_cgroup", "memory").output,
    "no cgroup v2 at /sys/fs/cgroup",
  );
  const v2 = { "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n" };
  assert.equal(
    onRecorded(v2, "check_cgroup", "cpu", "memory").output,
    "cgroup v2 lacks the controllers memory",
  );
});

test("a kernel without compiled-in features", () => {
  const kernel = {
    "/proc/sys/kernel/osrelease": "4.4.0-custom\n",
    ...Object.fromEntries(
      ["net", "pid", "ipc", "uts", "mnt"].map((name) => [`/proc/self/ns/${name}`, "-> x:[1]"]),
    ),
    "/proc/sys/kernel/keys/": "",
    "/proc/sys/fs/mqueue/": "",
  };
  assert.equal(onRecorded(kernel, "check_kernel_features").output, "kernel 4.4.0-custom lacks SECCOMP");
  assert.deepEqual(
    onRecorded({ ...kernel, "/proc/sys/kernel/seccomp/": "" }, "check_kernel_features"),
    passes,
  );
});

test("modules that are loaded or built in need no file", () => {
  const modules = { "/sys/module/overlay/": "", "/sys/module/nft_compat/": "" };
  assert.deepEqual(onRecorded(modules, "check_kernel_modules", "overlay", "iptable_nat|nft_compat"), passes);
});

test("settings: strict reverse path filter with two cards, bridges without iptables", () => {
  const settings = {
    "/proc/sys/fs/inotify/max_user_watches": "65536\n",
    "/proc/sys/net/ipv4/conf/all/rp_filter": "1\n",
    "/sys/class/net/eno1/device/": "",
  };
  assert.deepEqual(onRecorded(settings, "check_sysctls"), passes);
  const two = {
    ...settings,
    "/sys/class/net/eno2/device/": "",
    "/proc/sys/net/bridge/bridge-nf-call-iptables": "0\n",
  };
  assert.equal(
    onRecorded(two, "check_sysctls").output,
    "net.bridge.bridge-nf-call-iptables=0 (expected 1; otherwise firewall rules between containers have no effect), net.ipv4.conf.all.rp_filter=1 (expected 2 on a host with several network interfaces)",
  );
});

test("the MTU of the default route's interface, and of no other", () => {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  const row = (card: string, to: string): string =>
    `${card}\t${to}\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`;
  const cards = { "/sys/class/net/eno1/mtu": "1500\n", "/sys/class/net/wg0/mtu": "1420\n" };
  const routes = head + row("eno1", "00000000") + row("wg0", "0000000A");
  assert.deepEqual(onRecorded({ ...cards, "/proc/net/route": routes }, "check_mtu", "1500"), passes);
  const none = { ...cards, "/proc/net/route": head + row("wg0", "0000000A") };
  assert.equal(
    onRecorded(none, "check_mtu", "1500").output,
    "wg0 has MTU 1420, containers would send 1500 bytes",
  );
});

test("an interface with IPv6 only", () => {
  const all = "00000000000000000000000000000000";
  const row = (to: string, prefix: string, flags: string, card: string): string =>
    `${to} ${prefix} ${all} 00 fe800000000000000000000000000001 00000400 00000001 00000000 ${flags} ${card.padStart(8)}\n`;
  const files = (routes: string): Record<string, string> => ({
    "/proc/net/route": "Iface\tDestination\tGateway\n",
    "/proc/net/ipv6_route": routes,
    "/sys/class/net/eno1/mtu": "1400\n",
    "/sys/class/net/eno2/mtu": "1500\n",
    "/sys/class/net/lo/mtu": "1280\n",
  });
  const link = row("fe800000000000000000000000000000", "40", "00000001", "eno2");
  const small = { exitCode: 1, output: "eno1 has MTU 1400, containers would send 1500 bytes" };
  const by = (routes: string): ReturnType<typeof onRecorded> =>
    onRecorded(files(routes), "check_mtu", "1500");
  assert.deepEqual(by(link + row(all, "00", "00000003", "eno1")), small);
  assert.deepEqual(by(link + row("fd000000000000000000000000000000", "40", "00000001", "eno1")), small);
  // The kernel's own answer to what it has no route for.
  assert.deepEqual(by(link + row(all, "00", "00200200", "lo")), passes);
  assert.deepEqual(
    by(
      row(all, "00", "00000003", "eno2") + row("fd000000000000000000000000000000", "40", "00000001", "eno1"),
    ),
    passes,
  );
});

test("a host name in capitals is the same name", () => {
  const named = (own: string, hosts: string): ReturnType<typeof onRecorded> =>
    onRecorded({ "/proc/sys/kernel/hostname": `${own}\n`, "/etc/hosts": hosts }, "check_hostname");
  assert.deepEqual(named("NODE-A", "127.0.0.1 localhost\n127.0.1.1 node-a\n"), passes);
  assert.deepEqual(named("node-a", "127.0.1.1 Node-A.Corp Node-A"), passes);
  assert.equal(named("NODE-A", "127.0.1.1 node-b\n").output, "NODE-A is not in /etc/hosts");
});

test("a masked unit is no foreign engine, and is named", () => {
  const masked = {
    "/etc/systemd/system/docker.service": "-> /dev/null",
    "/etc/systemd/system/containerd.service": "",
  };
  assert.deepEqual(onRecorded(masked, "check_no_foreign_engine"), passes);
  assert.deepEqual(onRecorded(masked, "check_units_unmasked"), {
    exitCode: 1,
    output: "masked: containerd.service docker.service",
  });
  assert.deepEqual(
    onRecorded({ "/etc/systemd/system/docker.service": "[Service]\n" }, "check_units_unmasked"),
    passes,
  );
});

test("a host name from myhostname", () => {
  const host = { "/proc/sys/kernel/hostname": "node-a\n", "/etc/hosts": "127.0.0.1 localhost # node-a\n" };
  assert.equal(onRecorded(host, "check_hostname").output, "node-a is not in /etc/hosts");
  const mine = { ...host, "/etc/nsswitch.conf": "passwd: files\nhosts: files myhostname dns\n" };
  assert.deepEqual(onRecorded(mine, "check_hostname"), passes);
  assert.deepEqual(
    onRecorded({ ...host, "/etc/hosts": "127.0.1.1\tnode-a.site\tnode-a" }, "check_hostname"),
    passes,
  );
});

test("docker-ce on Ubuntu, installed and removed", () => {
  const installed = (status: string): Record<string, string> => ({
    "/var/lib/dpkg/info/docker-ce.list": "/.\n",
    "/var/lib/dpkg/status": `Package: docker-ce\nStatus: ${status}\nVersion: 5:28.0.0-1~ubuntu.24.04~noble\nArchitecture: amd64\nMaintainer: Docker\nDescription: Docker\n`,
    "/usr/lib/systemd/system/docker.service": "[Service]\n",
    "/snap/bin/docker": "",
  });
  assert.equal(
    onRecorded(installed("install ok installed"), "check_no_foreign_engine").output,
    "packages docker-ce (apt-get remove docker-ce), snap docker (snap remove docker)",
  );
  assert.equal(
    onRecorded(installed("deinstall ok config-files"), "check_no_foreign_engine").output,
    "snap docker (snap remove docker), /usr/lib/systemd/system/docker.service (leftover: delete it)",
  );
});

test("a snap is an engine while it is installed, even if disabled; the data that it leaves is none", () => {
  const left = { "/var/snap/docker/common/var-lib-docker/containers/0f1e/config.v2.json": "{}" };
  const disabled = { ...left, "/var/lib/snapd/snaps/docker_2976.snap": "" };
  assert.equal(onRecorded(disabled, "check_no_foreign_engine").output, "snap docker (snap remove docker)");
  assert.deepEqual(onRecorded(left, "check_no_foreign_engine"), passes);
  const data = (files: Readonly<Record<string, string>>): string =>
    onRecorded(files, "check_no_orphaned_data", "/data/docker", "").output;
  const found = "/var/snap/docker/common/var-lib-docker has containers: 1, volumes: 0, images: 0";
  assert.match(data(left), new RegExp(`${found} \\(engine <version>\\); fix: -$`));
  assert.match(data(disabled), new RegExp(`${found} \\(engine <version>\\); fix: - snap:docker$`));
});
