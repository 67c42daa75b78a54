/** The lab itself, on real virtual machines: pristine, isolated, without a route out, and removed without a trace. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cachePath, checkout } from "../lab/cache.ts";
import { type Guest, findGuest, removeGuest, restartGuest, startGuest } from "../lab/guest.ts";
import { guestFolder } from "../lab/guest-record.ts";
import { hostKeyAlias } from "../lab/identity.ts";
import { sshExec } from "../lab/ssh.ts";
import { vm } from "../lab/machine-choice.ts";

const names = ["test-twin-a", "test-twin-b", "test-held"];
let first: Guest;
let second: Guest;

before(async () => {
  for (const name of names) await removeGuest(name);
  [first, second] = await Promise.all([
    startGuest({ name: "test-twin-a", machine: vm("lab") }),
    startGuest({
      name: "test-twin-b",
      machine: vm("lab"),
      dataDisk: { sizeGiB: 12 },
      extraDisks: [{ serial: "lab-extra", sizeGiB: 1 }],
    }),
  ]);
});

after(async () => {
  for (const name of names) await removeGuest(name);
});

/** The command's output. */
async function on(guest: Guest, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await guest.exec(command);
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

test("two guests run at once, each with a state and random numbers of its own", async () => {
  await on(first, "echo first > ~/mark");
  assert.equal((await second.exec("cat ~/mark")).exitCode, 1);
  assert.notEqual(first.port, second.port);
  const uuid = "cat /proc/sys/kernel/random/uuid";
  assert.notEqual(await on(first, uuid), await on(second, uuid));
});

test("a guest runs its own kernel and systemd, and the SSH user has sudo without a password", async () => {
  assert.match(await on(first, "uname -r"), /^\d+\.\d+/);
  assert.equal(await on(first, "ps -p 1 -o comm="), "systemd");
  assert.equal(await on(first, "sudo -n id -u"), "0");
  assert.equal(await on(first, "sudo -n dmsetup ls"), "No devices found");
});

test("the clock is that of this machine, although the guest was saved earlier", async () => {
  const off = Math.abs(Number(await on(first, "date +%s")) - Date.now() / 1000);
  assert.ok(off < 60, `${off} s off`);
});

test("nothing outside can be reached, not even the machine that runs the guest", async () => {
  const route = await first.exec("ip route get 192.0.2.1");
  assert.notEqual(route.exitCode, 0, route.stdout);
  // 10.0.2.2 is what QEMU calls the machine itself; the port is one on which it does listen.
  const way = await first.exec(`timeout 5 bash -c '</dev/tcp/10.0.2.2/${second.port}'`);
  assert.notEqual(way.exitCode, 0);
});

test("the data disk has an id and its size, and is blank", async () => {
  assert.equal(first.diskId, "/dev/disk/by-id/virtio-lab-data");
  for (const guest of [first, second]) {
    assert.equal(
      Number(await on(guest, `sudo -n blockdev --getsize64 ${guest.diskId}`)),
      guest.diskGiB * 1024 ** 3,
    );
    assert.equal((await guest.exec(`sudo -n blkid -p ${guest.diskId}`)).stdout, "");
    await on(guest, `sudo -n head -c 1M ${guest.diskId} | cmp - /dev/zero -n 1048576`);
  }
  assert.equal(second.diskGiB, 12);
  assert.match(await on(second, "ls /dev/disk/by-id"), /virtio-lab-extra/);
});

test("a guest with another host key is refused", async () => {
  const knownHostsFile = cachePath("test", "known_hosts");
  mkdirSync(cachePath("test"), { recursive: true });
  writeFileSync(knownHostsFile, `${hostKeyAlias} ${readFileSync(`${first.identityFile}.pub`, "utf8")}`);
  const { exitCode, stderr } = await sshExec({ ...first.ssh, knownHostsFile }, "true");
  assert.equal(exitCode, 255);
  assert.match(stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/);
});

test("only the SSH user can log in", async () => {
  const { exitCode, stderr } = await first.exec("true", { login: "root" });
  assert.equal(exitCode, 255);
  assert.match(stderr, /Permission denied/);
});

test("input reaches the command, and an exit status is a result", async () => {
  const { stdout, exitCode } = await first.exec("cat; exit 7", { input: "through the pipe" });
  assert.deepEqual({ stdout, exitCode }, { stdout: "through the pipe", exitCode: 7 });
});

test("a saved state can be restored after a stop, with the same port, without later changes", async () => {
  await on(second, "echo before > ~/mark");
  await second.save("kept");
  await on(second, "echo later > ~/mark");
  await second.stop();
  const again = await restartGuest(second.name, "kept");
  assert.equal(await on(again, "cat ~/mark"), "before");
  assert.equal(again.port, second.port);
  await again.stop();
});

test("a stopped guest leaves no process and no disk; a name in use is refused", async () => {
  await assert.rejects(
    startGuest({ name: first.name, machine: vm("lab") }),
    /E_LAB_GUEST guest test-twin-a: found: it runs already/,
  );
  await first.stop();
  assert.ok(!alive(first.pid));
  assert.equal(await findGuest(first.name), undefined);
  assert.ok(!existsSync(guestFolder(first.name)));
});

test("kill -9 of the process that started them ends guest and agent", { timeout: 120_000 }, async () => {
  const program = join(checkout, "test", "support", "guests", "hold-guest.ts");
  const child = spawn(process.execPath, [program, "test-held"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const pids = Object.values(JSON.parse(line.toString()) as Record<string, number>);
  assert.deepEqual(pids.map(alive), [true, true]);
  child.kill("SIGKILL");
  await once(child, "exit");
  // The bound is for a guest that stays.
  while (pids.some(alive)) await sleep(20);
});

/** A zombie that nobody has reaped yet is not alive. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
