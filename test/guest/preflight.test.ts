import assert from "node:assert/strict";
import { before, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { container } from "../lab/machine-choice.ts";
import { testBreakages } from "../support/fixtures/breakage-tests.ts";
import { breakages } from "../support/fixtures/preflight-breakages.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

/**
 * The checks of preflight on a guest that is broken manually in exactly the way that each check finds. Those of its kernel:
 * preflight-kernel.test.ts.
 */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("preflight", container());
  undo(() => on.end());
});

testBreakages(
  breakages.filter(({ kernel }) => kernel !== true),
  () => on,
);

test("packages of another engine, until they are removed", async () => {
  for (const name of ["docker.io", "podman-docker"]) await on.root(tinyPackage(name));
  const both = await on.call("check_no_foreign_engine");
  assert.deepEqual(both, {
    exitCode: 1,
    output: "packages docker.io podman-docker (apt-get remove docker.io podman-docker)",
  });
  // Removed is enough: what is left are files of its own in /etc.
  await on.root("dpkg -r docker.io podman-docker && test -e /var/lib/dpkg/info/docker.io.list");
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
});

test("a daemon inside a container is ignored, and one from /opt/docker is Sealift's", async () => {
  await on.root(
    "mkdir -p /opt/docker/1/bin && cp /usr/bin/sleep /opt/docker/1/bin/containerd && cp /usr/bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=inner --slice=machine.slice /usr/local/bin/dockerd 1000 && systemd-run -q --unit=own /opt/docker/1/bin/containerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd && pgrep -x containerd; do sleep 0.2; done'",
  );
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
  await on.root("systemctl stop inner own");
  // Namespaces of its own make no container of it. As process 1 of one it takes no SIGTERM: the stop would wait for its 90 s.
  await on.root(
    "systemd-run -q --unit=hidden -p KillSignal=SIGKILL unshare --pid --fork /usr/local/bin/dockerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd; do sleep 0.2; done'",
  );
  assert.match((await on.call("check_no_foreign_engine")).output, /^process \d+ .*\/dockerd /);
  await on.root("systemctl stop hidden");
  // Anybody may call a process so, also one of a program that becomes root.
  await on.root(
    "systemd-run -q --unit=named --uid=games /usr/local/bin/dockerd 1000 && timeout 20 sh -c 'until pgrep -x dockerd; do sleep 0.2; done'",
  );
  assert.deepEqual(await on.call("check_no_foreign_engine"), { exitCode: 0, output: "" });
  await on.root("systemctl stop named && rm -r /opt/docker /usr/local/bin/dockerd");
});

test("the clock, minus the age of the session", async () => {
  // By the guest's own clock: the lab sets it over ssh, and on a busy machine it is seconds late.
  const clockResult = async (off: number, ...limits: [string, string]): Promise<string> => {
    const input = `. /run/sealift-library.sh\nsleep 3; clock_session_age; check_clock $(($(date +%s) - clock_age + ${off})) ${limits.join(" ")} || true; echo "age $clock_age"`;
    const { stdout } = await on.guest.exec("sudo -n sh -s", { input });
    assert.match(stdout, /age ([3-9]|\d{2})\n$/);
    return stdout.replace(/age \d+\n$/, "");
  };
  assert.equal(await clockResult(0, "20", "60"), "");
  assert.match(await clockResult(30, "5", "60"), /^the host's clock is \d\d s behind\n$/);
  assert.match(await clockResult(-30, "5", "60"), /^the host's clock is \d\d s ahead\n$/);
  assert.equal(await clockResult(-300, "5", "60"), "", "told by the graver one");
  assert.match(await clockResult(-310, "60", "0"), /^the host's clock is 3\d\d s ahead\n$/);
});

test("present commands, and a missing one", async () => {
  assert.equal((await on.call("check_commands", "tar", "no-such")).output, "absent: no-such");
});

test("a name server, once there is one", async () => {
  await on.root("echo nameserver 10.0.2.3 >/etc/resolv.conf");
  assert.deepEqual(await on.call("check_resolver"), { exitCode: 0, output: "" });
  await on.root("echo nameserver 127.0.0.1 >/etc/resolv.conf");
  assert.equal((await on.call("check_resolver")).output, "/etc/resolv.conf has 127.0.0.1");
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
