import assert from "node:assert/strict";
import { before, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { exampleArchive, exampleHost } from "../support/example-host.ts";
import { breakages } from "../support/preflight-breakages.ts";
import { startFunctions, type Called, type ShellFunctions } from "../support/shell-functions.ts";
import { vm } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/undo.ts";

/** Every check of preflight on a pristine guest, and on the same guest broken by hand in the one way that it is about. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("preflight", vm("kernel"));
  undo(() => on.end());
});

const now = (): number => Math.floor(Date.now() / 1000);
const modules = (): Promise<string> => on.root("cut -d ' ' -f 1 /proc/modules | sort");

test("a pristine guest passes, but for what the lab's image really lacks; looking loads no module", async () => {
  const host = exampleHost();
  const before = await modules();
  const { steps, mark, text } = await on.run("check", preflightSteps(host, exampleArchive, now()));
  assert.notEqual(mark, undefined, text);
  const told = steps
    // The lab sets a guest's clock over ssh: on a busy machine it is seconds late.
    .filter(({ code, status }) => status !== "ok" && code !== "preflight.clock-near")
    .map(({ code, found }) => `${code}: ${found}`);
  assert.deepEqual(told, [
    "preflight.apparmor: AppArmor is on and there is no /sbin/apparmor_parser, so containers run without its profile",
    "preflight.resolver: /etc/resolv.conf names no name server",
  ]);
  assert.equal(await modules(), before);
});

for (const { what, call, by, found, back } of breakages) {
  test(what, async () => {
    const [good, bad, again] = await around(call, by, back);
    assert.equal(good?.exitCode, 0, good?.output);
    assert.match(bad?.output ?? "", found);
    assert.equal(bad?.exitCode, 1);
    assert.equal(again?.exitCode, 0, again?.output);
  });
}

/** The check before, while it is broken, and after, in one session: each login costs more than all of them. */
async function around(call: readonly string[], by: string, back: string): Promise<readonly Called[]> {
  const check = `attempt ${call.map(quote).join(" ")}\nprintf '%s\\n%s\\0' "$attempt_status" "$attempt_output"\n`;
  const input = `. /run/sealift-library.sh\nset -eu\n${check}{ ${by}; } >/dev/null </dev/null\n${check}{ ${back}; } >/dev/null </dev/null\n${check}`;
  const { stdout, stderr, exitCode } = await on.guest.exec("sudo -n sh -s", { input });
  assert.equal(exitCode, 0, stderr + stdout);
  return stdout.split("\0").map((said) => {
    const [status = "", ...output] = said.split("\n");
    return { exitCode: Number(status), output: output.join("\n") };
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
    "mkdir -p /opt/docker/1/bin && cp /usr/bin/sleep /opt/docker/1/bin/containerd && cp /usr/bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=inner --slice=machine.slice /usr/local/bin/dockerd 1000 && systemd-run -q --unit=own /opt/docker/1/bin/containerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd && pgrep -x containerd; do sleep 0.2; done'",
  );
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
  await on.root("systemctl stop inner own");
  // Namespaces of its own make no container of it.
  await on.root(
    "systemd-run -q --unit=hidden unshare --pid --fork /usr/local/bin/dockerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd; do sleep 0.2; done'",
  );
  assert.match((await on.call("check_no_foreign_engine")).output, /^found: process \d+ .*\/dockerd /);
  await on.root("systemctl stop hidden");
  // Anybody may call a process so, also one of a program that becomes root.
  await on.root(
    "systemd-run -q --unit=named --uid=games /usr/local/bin/dockerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd; do sleep 0.2; done'",
  );
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
  await on.root("systemctl stop named && rm -r /opt/docker /usr/local/bin/dockerd");
});

test("the clock, less the age of the session that asks", async () => {
  // By the guest's own clock: the lab sets it over ssh, and on a busy machine it is seconds late.
  const asked = async (off: number, ...limits: [string, string]): Promise<string> => {
    const input = `. /run/sealift-library.sh\nsleep 3; clock_session_age; check_clock $(($(date +%s) - clock_age + ${off})) ${limits.join(" ")} || true; echo "age $clock_age"`;
    const { stdout } = await on.guest.exec("sudo -n sh -s", { input });
    assert.match(stdout, /age ([3-9]|\d{2})\n$/);
    return stdout.replace(/age \d+\n$/, "");
  };
  assert.equal(await asked(0, "20", "60"), "");
  assert.match(await asked(30, "5", "60"), /^the host is \d\d s behind\n$/);
  assert.match(await asked(-30, "5", "60"), /^the host is \d\d s ahead\n$/);
  assert.equal(await asked(-300, "5", "60"), "", "told by the graver one");
  assert.match(await asked(-310, "60", "0"), /^the host is 3\d\d s ahead\n$/);
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
  const control = [
    `Package: ${name}`,
    "Version: 1",
    "Architecture: all",
    "Maintainer: lab",
    "Description: tiny",
  ];
  return [
    `mkdir -p ${folder}/DEBIAN ${folder}/etc`,
    `printf "%s\\n" ${control.map(quote).join(" ")} >${folder}/DEBIAN/control`,
    `echo /etc/${name} >${folder}/DEBIAN/conffiles`,
    `echo tiny >${folder}/etc/${name}`,
    `dpkg-deb -b ${folder} /run/${name}.deb`,
    `dpkg -i /run/${name}.deb`,
  ].join(" && ");
}
