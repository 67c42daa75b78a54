/** The host lock between real processes: a waiting operator learns who holds it, and nobody waits for a dead process. */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

const folder = mkdtempSync(join(tmpdir(), "sealift-lock-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const lock = join(folder, "private", "lock");
const library = ["run.sh", "host-lock.sh"]
  .map((file) => readFileSync(new URL(`../../modules/core/host/${file}`, import.meta.url), "utf8"))
  .join("\n")
  .replace("SEALIFT_LOCK=/run/sealift/lock/host", `SEALIFT_LOCK=${lock}`)
  .replace("SEALIFT_LOCK_WAIT_SEC=120", "SEALIFT_LOCK_WAIT_SEC=1")
  // What a machine has recorded stands before its own programs.
  .replace("PATH=/usr/local/sbin:", `PATH=${join(folder, "bin")}:/usr/local/sbin:`);
const { username, homedir } = userInfo();
const env = {
  PATH: process.env["PATH"] ?? "",
  SUDO_USER: username,
  SEALIFT_FROM: "10.1.2.3 51234 10.20.0.11 22",
};

/** Holds the lock in a process of its own, whose children do not. */
async function holder(): Promise<ChildProcess> {
  const script = `${library}\nlock_host\nattempt sleep_on\n`;
  const child = spawn("sh", ["-c", `sleep_on() { : >'${folder}/held'; sleep 600; }\n${script}`], {
    env,
    detached: true,
    stdio: "ignore",
  });
  while (!existsSync(join(folder, "held"))) await pause(20);
  rmSync(join(folder, "held"));
  return child;
}
const end = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
};
const run = (script: string): { code: number | null; text: string } => {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", `${library}\n${script}`], {
    env,
    encoding: "utf8",
  });
  return { code: status, text: stdout + stderr };
};

test("a second operator learns who holds the lock, from where, and since when; a probe says so at once", async () => {
  assert.deepEqual(run("check_host_free"), { code: 0, text: "" });
  const first = await holder();
  const reported = `login ${username} from 10.1.2.3 since \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ`;
  const waited = run("lock_host");
  assert.equal(waited.code, 75);
  assert.match(
    waited.text,
    new RegExp(
      `^E_HOST_LOCKED another run is changing this host: ${reported}; fix: wait for it to end, then run again\n$`,
    ),
  );
  const result = run("check_host_free");
  assert.equal(result.code, 1);
  assert.match(result.text, new RegExp(`^${reported}\n$`));
  await end(first);
});

test("only root can hold the lock, or replace it", () => {
  assert.equal(run("lock_host").code, 0);
  assert.equal(statSync(dirname(lock)).mode & 0o777, 0o700);
  assert.match(
    readFileSync(new URL("../../modules/core/host/host-lock.sh", import.meta.url), "utf8"),
    /^SEALIFT_LOCK=\/run\/sealift\//m,
  );
});

test("a lock whose owner was killed is free, although a child of it lives on", async () => {
  const first = await holder();
  const ended = once(first, "exit");
  first.kill("SIGKILL");
  await ended;
  assert.deepEqual(run("check_host_free"), { code: 0, text: "" });
  assert.equal(run("lock_host").code, 0);
  if (first.pid !== undefined) process.kill(-first.pid, "SIGKILL");
});

test("the key that logged in is reported by its comment, if sshd's log and authorized_keys have it", async () => {
  const key = join(folder, "key");
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "alice@laptop two", "-f", key]);
  const print = spawnSync("ssh-keygen", ["-lf", key], { encoding: "utf8" }).stdout.split(" ")[1] ?? "";
  // As sshd 9.2 and 10.0 log it, between lines about others.
  const log = [
    "Accepted publickey for ops from 10.1.2.3 port 5123 ssh2: ED25519 SHA256:another",
    `Accepted publickey for ops from 10.1.2.3 port 51234 ssh2: ED25519 ${print}`,
    "pam_unix(sshd:session): session opened for user ops(uid=1000) by (uid=0)",
  ];
  const bin = join(folder, "bin");
  const home = join(folder, "home");
  mkdirSync(bin);
  mkdirSync(join(home, ".ssh"), { recursive: true });
  writeFileSync(join(home, ".ssh", "authorized_keys"), readFileSync(`${key}.pub`));
  writeFileSync(join(bin, "journalctl"), `#!/bin/sh\ncat <<'END'\n${log.join("\n")}\nEND\n`);
  writeFileSync(join(bin, "getent"), `#!/bin/sh\necho '${username}:x:1:1::${home}:/bin/sh'\n`);
  for (const program of ["journalctl", "getent"]) chmodSync(join(bin, program), 0o755);
  const first = await holder();
  assert.match(
    run("check_host_free").text,
    new RegExp(`^alice@laptop two as login ${username} from 10.1.2.3 since `),
  );
  await end(first);
  assert.notEqual(home, homedir);
});
