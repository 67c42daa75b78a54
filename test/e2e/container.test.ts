/** The lab's system containers: pristine, isolated, without a route out, and removed without a trace. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { asRoot } from "../lab/as-root.ts";
import { checkout } from "../lab/cache.ts";
import { containerRuns, guestFolder, readRecord } from "../lab/guest-record.ts";
import { joinSegment } from "../lab/guest-segment.ts";
import { findGuest, type Guest, removeGuest, restartGuest, startGuest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";

const names = ["test-twin-c", "test-twin-d", "test-held-c", "test-gone-c"];
let first: Guest;
let second: Guest;

before(async () => {
  for (const name of names) await removeGuest(name);
  [first, second] = await Promise.all([
    startGuest({ name: "test-twin-c", machine: container() }),
    startGuest({ name: "test-twin-d", machine: container("/data", "/registry") }),
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

test("two containers run at once, each with files, processes and a name of its own", async () => {
  await on(first, "echo first > ~/mark");
  assert.equal((await second.exec("cat ~/mark")).exitCode, 1);
  assert.notEqual(first.port, second.port);
  assert.deepEqual([await on(first, "hostname"), await on(second, "hostname")], [first.name, second.name]);
});

test("systemd runs in it without a failed unit, and the SSH user has sudo without a password", async () => {
  assert.equal(await on(first, "ps -p 1 -o comm="), "systemd");
  assert.equal(await on(first, "systemctl is-system-running"), "running");
  assert.equal(await on(first, "sudo -n id -u"), "0");
});

test("its file systems are separate mounts, with units that mount them at boot", async () => {
  for (const point of second.mounts) {
    assert.equal(await on(second, `findmnt -no FSTYPE ${point}`), "xfs");
    assert.equal(
      await on(second, `systemctl is-enabled $(systemd-escape -p --suffix=mount ${point})`),
      "enabled",
    );
  }
  assert.notEqual(await on(second, "stat -c %d /data"), await on(second, "stat -c %d /registry"));
});

test("ssh connects from the operator's side, and nothing else can be reached from it, not even this machine", async () => {
  assert.match(await on(first, "echo $SSH_CONNECTION"), /^10\.0\.2\.2 \d+ 10\.0\.2\.15 22$/);
  const route = await first.exec("ip route get 192.0.2.1");
  assert.notEqual(route.exitCode, 0, route.stdout);
  // On this port this machine does listen: at its own loopback address.
  for (const address of ["10.0.2.2", "127.0.0.1"]) {
    const way = await first.exec(`timeout 5 bash -c '</dev/tcp/${address}/${second.port}'`);
    assert.notEqual(way.exitCode, 0, address);
  }
});

test("root of a container cannot set this machine's clock or load a module into its kernel", async () => {
  assert.match((await first.exec("sudo -n date -s @0")).stderr, /not permitted/);
  assert.equal(await on(first, "grep -c CapBnd /proc/1/status"), "1");
  const bounding = BigInt(`0x${(await on(first, "sed -n 's/^CapBnd:\\t//p' /proc/1/status")).trim()}`);
  // capabilities(7): CAP_SYS_MODULE 16, CAP_SYS_RAWIO 17, CAP_SYS_TIME 25.
  for (const bit of [16n, 17n, 25n]) assert.equal((bounding >> bit) & 1n, 0n, `capability ${bit}`);
});

test("on a segment they reach each other, and only through it", async () => {
  await joinSegment({ guest: first, address: "10.9.0.1/24" }, { guest: second, address: "10.9.0.2/24" });
  for (const [guest, other] of [
    [first, "10.9.0.2"],
    [second, "10.9.0.1"],
  ] as const) {
    assert.match(await on(guest, `timeout 5 bash -c 'head -c 7 </dev/tcp/${other}/22'`), /^SSH-2\.0/);
    assert.notEqual((await guest.exec("ip route get 192.0.2.1")).exitCode, 0);
  }
});

test("a saved state can be restored after a stop, with the same port, without later changes", async () => {
  await on(second, "echo before | sudo tee /data/mark >~/mark");
  await second.save("kept");
  assert.equal(await on(second, "cat /data/mark ~/mark"), "before\nbefore", "it goes on");
  await on(second, "echo later | sudo tee /data/mark >~/mark");
  await second.stop();
  const again = await restartGuest(second.name, "kept");
  assert.equal(await on(again, "cat /data/mark ~/mark"), "before\nbefore");
  assert.equal(again.port, second.port);
  await on(again, "echo off | sudo tee /data/mark >~/mark; sync");
  await on(again, "echo lost | sudo tee /data/lost >~/lost");
  await again.kill();
  const off = await restartGuest(second.name, "off");
  assert.equal(await on(off, "cat /data/mark ~/mark"), "off\noff");
  assert.equal(
    await on(off, "sudo cat /data/lost ~/lost 2>/dev/null || true"),
    "",
    "what was not flushed is lost",
  );
  await off.stop();
});

test("a stopped container leaves nothing behind; a name in use is refused", async () => {
  await assert.rejects(
    startGuest({ name: first.name, machine: container() }),
    /E_LAB_GUEST guest test-twin-c: .*it runs already/,
  );
  // One that never joined a segment: its bridge lasts as long as this process.
  const { name, pid, stop } = await startGuest({ name: "test-gone-c", machine: container() });
  const trace = tracesOf(name, pid);
  assert.ok(trace.processes > 0 && trace.loops > 0 && trace.cgroups > 0, JSON.stringify(trace));
  await stop();
  assert.deepEqual(tracesOf(name, pid), nothing);
  assert.equal(await findGuest(name), undefined);
  assert.ok(!existsSync(guestFolder(name)));
});

test(
  "kill -9 of the process that started it ends it, and leaves nothing behind",
  { timeout: 120_000 },
  async () => {
    const program = join(checkout, "test", "support", "guests", "hold-guest.ts");
    const [, , name = ""] = names;
    const child = spawn(process.execPath, [program, name, "container"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const pid = readRecord(name)?.pid ?? 0;
    assert.ok(containerRuns(guestFolder(name), pid));
    child.kill("SIGKILL");
    await once(child, "exit");
    // The bound is for a container that stays.
    while (containerRuns(guestFolder(name), pid)) await sleep(20);
    assert.deepEqual(tracesOf(name, pid), nothing);
  },
);

interface Traces {
  readonly processes: number;
  readonly loops: number;
  readonly cgroups: number;
}

const nothing: Traces = { processes: 0, loops: 0, cgroups: 0 };

/** What this machine has of a container: processes that name its folder, loop devices on its images, cgroups. */
function tracesOf(name: string, pid: number): Traces {
  const folder = guestFolder(name);
  const processes = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && mentions(entry, folder));
  const [file, ...args] = asRoot(["losetup", "--noheadings", "--output", "BACK-FILE"]);
  const loops = execFileSync(file, args, { encoding: "utf8" }).split("\n");
  const top = / (\S+) cgroup2 /.exec(readFileSync("/proc/mounts", "utf8"))?.[1] ?? "";
  return {
    processes: processes.length,
    loops: loops.filter((line) => line.includes(`${folder}/`)).length,
    cgroups: Number(existsSync(join(top, `sealift-lab.${pid}`))),
  };
}

function mentions(pid: string, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(folder);
  } catch {
    return false;
  }
}
