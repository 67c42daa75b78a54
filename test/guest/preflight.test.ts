import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { exampleArchive, exampleHost } from "../support/example-host.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";

/** Every check of preflight on a pristine guest, and on the same guest broken by hand in the one way that it is about. */
let on: ShellFunctions;
before(async () => {
  on = await startFunctions("preflight");
});
after(() => on.end());

const now = (): number => Math.floor(Date.now() / 1000);
const modules = (): Promise<string> => on.root("cut -d ' ' -f 1 /proc/modules | sort");

test("a pristine guest passes, but for what the lab's image really lacks; looking loads no module", async () => {
  const host = exampleHost();
  const volumes = { ...host.volumes, disk: on.guest.diskId, logical: host.volumes.logical.slice(0, 0) };
  const before = await modules();
  const { steps, mark, text } = await on.run(
    "check",
    preflightSteps({ ...host, volumes }, exampleArchive, now()),
  );
  assert.notEqual(mark, undefined, text);
  const told = steps.filter(({ status }) => status !== "ok").map(({ code, found }) => `${code}: ${found}`);
  assert.deepEqual(told, [
    "preflight.apparmor: AppArmor is on and there is no /sbin/apparmor_parser, so containers run without its profile",
    "preflight.resolver: /etc/resolv.conf names no name server",
  ]);
  assert.equal(await modules(), before);
});

/** A check that holds, a command that breaks it, what it then finds, and the way back, after which it holds again. */
interface Breakage {
  readonly what: string;
  readonly call: readonly [string, ...string[]];
  readonly by: string;
  readonly found: RegExp;
  readonly back: string;
}

const pool = "172.16.0.0/12";
const breakages: readonly Breakage[] = [
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

for (const { what, call, by, found, back } of breakages) {
  test(what, async () => {
    const good = await on.call(...call);
    assert.equal(good.exitCode, 0, good.output);
    await on.root(by);
    const bad = await on.call(...call);
    await on.root(back);
    assert.match(bad.output, found);
    assert.equal(bad.exitCode, 1);
    const again = await on.call(...call);
    assert.equal(again.exitCode, 0, again.output);
  });
}

test("packages of another engine, until they are removed", async () => {
  for (const name of ["docker.io", "podman-docker"]) await on.root(tinyPackage(name));
  const both = await on.call("check_no_foreign_engine");
  assert.deepEqual(both, {
    exitCode: 1,
    output: "found: packages docker.io podman-docker (apt-get remove docker.io podman-docker)",
  });
  // Removed is enough: what is left are files of its own in /etc.
  await on.root("dpkg -r docker.io podman-docker && test -e /var/lib/dpkg/info/docker.io.list");
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
});

test("a daemon inside of a container is nobody's business, and one from /opt/docker is ours", async () => {
  await on.root(
    "mkdir -p /opt/docker/1/bin && cp /usr/bin/sleep /opt/docker/1/bin/containerd && cp /usr/bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=inner unshare --pid --fork /usr/local/bin/dockerd 1000 && systemd-run -q --unit=own /opt/docker/1/bin/containerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd && pgrep -x containerd; do sleep 0.2; done'",
  );
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
  await on.root("systemctl stop inner own && rm -r /opt/docker /usr/local/bin/dockerd");
});

test("the clock, less what the look has taken so far", async () => {
  const clock = (off: number, ...limits: [string, string]): ReturnType<ShellFunctions["call"]> =>
    on.call("check_clock", String(now() + off), ...limits);
  assert.equal((await clock(0, "5", "60")).exitCode, 0);
  assert.match((await clock(30, "5", "60")).output, /^the host is (29|30|31) s behind$/);
  assert.match((await clock(-30, "5", "60")).output, /^the host is (29|30|31) s ahead$/);
  assert.equal((await clock(-300, "5", "60")).exitCode, 0, "told by the graver one");
  assert.equal((await clock(-300, "60", "0")).exitCode, 1);
  // A session that began a while ago is not a clock that is wrong.
  const late = now();
  const { stdout } = await on.guest.exec(
    `sleep 8; echo '. /run/sealift-library.sh; check_clock ${late} 5 60 && echo near' | sudo -n sh -s`,
  );
  assert.equal(stdout, "near\n");
});

test("what cannot be broken by hand is asked for in another size", async () => {
  assert.equal((await on.call("check_memory", "900")).exitCode, 0);
  assert.match((await on.call("check_memory", "90000")).output, /^14\d\d MiB$/);
  assert.equal((await on.call("check_cgroup", "cpu", "cpuset", "io", "memory", "pids")).exitCode, 0);
  assert.equal(
    (await on.call("check_cgroup", "cpu", "none")).output,
    "cgroup v2 without the controllers none",
  );
  assert.equal((await on.call("check_commands", "tar", "no-such")).output, "absent: no-such");
});

test("the parser of AppArmor and a name server, once they are there", async () => {
  await on.root("ln -s /bin/true /sbin/apparmor_parser && echo nameserver 10.0.2.3 >/etc/resolv.conf");
  assert.deepEqual(await on.call("check_apparmor"), { exitCode: 0, output: "AppArmor is on" });
  assert.deepEqual(await on.call("check_resolver"), { exitCode: 0, output: "" });
  await on.root("echo nameserver 127.0.0.1 >/etc/resolv.conf");
  assert.equal((await on.call("check_resolver")).output, "/etc/resolv.conf names 127.0.0.1");
});

/** Makes a package that holds one file of its own in /etc, and installs it. */
function tinyPackage(name: string): string {
  const folder = `/run/${name}`;
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: lab\nDescription: tiny\n`;
  return [
    `mkdir -p ${folder}/DEBIAN ${folder}/etc`,
    `printf %s ${quote(control)} >${folder}/DEBIAN/control`,
    `echo /etc/${name} >${folder}/DEBIAN/conffiles`,
    `echo tiny >${folder}/etc/${name}`,
    `dpkg-deb -b ${folder} /run/${name}.deb`,
    `dpkg -i /run/${name}.deb`,
  ].join(" && ");
}
