/** A local user who can write where the SSH user can: nothing that root has checked can be changed before root uses it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { hostCommand } from "../../modules/core/host/host-command.ts";
import { quote } from "../../modules/core/quote.ts";
import { library } from "../support/fixtures/example-host.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-local-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const home = join(folder, "home");
const bin = join(folder, "bin");
const marker = join(folder, "owned");
beforeEach(() => {
  for (const one of [home, bin, marker, join(folder, "run"), join(folder, "state")])
    rmSync(one, { recursive: true, force: true });
  mkdirSync(join(home, ".sealift", "blobs"), { recursive: true });
  mkdirSync(bin);
});

/** A program that comes before the system's. */
function program(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const real = (name: string): string => spawnSync("which", [name], { encoding: "utf8" }).stdout.trim();

function sh(script: string, input = ""): { code: number | null; output: string } {
  const env = { ...process.env, HOME: home, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], {
    env,
    input,
    encoding: "utf8",
    cwd: home,
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return { code: status, output: stdout + stderr };
}

/** Calls one function of the library as run.sh does; the user who runs the test takes the place of root. */
function call(words: readonly string[], more = ""): { code: number | null; output: string } {
  const text = library.text
    .replace("PATH=/usr/local/sbin:", `PATH=${bin}:/usr/local/sbin:`)
    .replaceAll("/etc/passwd", join(folder, "passwd"));
  const asUser = 'while [ "$1" != -- ]; do shift; done; shift';
  if (!existsSync(join(bin, "runuser"))) program("runuser", `${asUser}; exec "$@"`);
  if (!existsSync(join(bin, "setpriv"))) program("setpriv", `${asUser}; exec "$@"`);
  const places = `SEALIFT_STATE=${folder}/state SEALIFT_BLOBS=${folder}/state/blobs SEALIFT_HASHES=${folder}/run/hashes SEALIFT_KEYS=${folder}/run/keys KEYS_SEC=1`;
  writeFileSync(
    join(folder, "call.sh"),
    `${text}\n${places}\n${more}\nset -u\nattempt ${words.map(quote).join(" ")}\nprintf %s "$attempt_output"\nexit "$attempt_status"\n`,
  );
  return sh(`. ${folder}/call.sh`);
}

const launch = (sha256: string): string =>
  hostCommand("login.sh", "launch.sh", "launch", sha256).replaceAll("/run/sealift", join(folder, "run"));

test("a library that is changed after its hash was checked is not what root runs", () => {
  const right = "echo the right one\n";
  const file = join(home, ".sealift", `${sha256(right)}.sh`);
  writeFileSync(file, right);
  program("id", "echo 1000");
  // Meanwhile: root is about to run what was checked.
  program("sudo", `shift; echo 'touch ${marker}' >${file}; exec "$@"`);
  const { code, output } = sh(launch(sha256(right)));
  assert.equal(existsSync(marker), false, "a member of the login's group is root");
  assert.equal(code, 66, output);
  assert.match(output, /E_LIBRARY_CHECKSUM run pulumi up again/);
});

test("the library runs from a folder that only root can enter, and the SSH user's folder is closed", () => {
  const right = 'echo "$0 $1"; stat -c %a "${0%/*}" "$0" ~/.sealift\n';
  writeFileSync(join(home, ".sealift", `${sha256(right)}.sh`), right, { mode: 0o664 });
  program("id", "echo 1000");
  program("sudo", 'shift; exec "$@"');
  const { output } = sh(launch(sha256(right)));
  assert.equal(output, `${folder}/run/library/${sha256(right)}.sh apply\n700\n600\n700\n`);
});

test("a library that is a pipe, or endless, delays nobody", () => {
  const name = join(home, ".sealift", `${"0".repeat(64)}.sh`);
  program("id", "echo 1000");
  program("sudo", 'shift; exec "$@"');
  program("timeout", `shift; exec ${real("timeout")} 1 "$@"`);
  for (const make of [`mkfifo ${name}`, `ln -s /dev/zero ${name}`]) {
    assert.equal(sh(make).code, 0);
    assert.match(sh(launch("0".repeat(64))).output, /E_LIBRARY_CHECKSUM run pulumi up again/);
  }
});

test("a folder in place of the library is removed, so that the next copy succeeds", () => {
  const name = join(home, ".sealift", `${"0".repeat(64)}.sh`);
  mkdirSync(join(name, "full"), { recursive: true });
  program("id", "echo 1000");
  program("sudo", 'shift; exec "$@"');
  assert.match(sh(launch("0".repeat(64))).output, /E_LIBRARY_CHECKSUM run pulumi up again/);
  assert.equal(existsSync(name), false);
});

test("a blob that is changed after it was hashed is not what is kept", () => {
  const right = "the right bytes";
  const hex = sha256(right);
  const file = join(home, ".sealift", "blobs", hex);
  writeFileSync(file, right);
  program("sha256sum", `${real("sha256sum")} "$@"; r=$?; echo other >${file}; exit $r`);
  program(
    "install",
    `while [ $# -gt 2 ]; do case $1 in -o|-g) shift 2 ;; *) a="\${a-} $1"; shift ;; esac; done; exec ${real("install")} $a "$@"`,
  );
  call(["apply_stored_blob", hex, String(right.length)]);
  assert.equal(readFileSync(join(folder, "state", "blobs", hex), "utf8"), right);
});

test("an arrived file that is not regular is removed, and nothing is read through a link", () => {
  const hex = sha256("x");
  const file = join(home, ".sealift", "blobs", hex);
  writeFileSync(join(folder, "root-only"), "x");
  for (const make of [
    `ln -s ${folder}/root-only ${file}`,
    `mkfifo ${file}`,
    `mkdir -p ${file}/sub`,
    `ln -s nowhere ${file}`,
  ]) {
    assert.equal(sh(make).code, 0);
    const { code, output } = call(["apply_stored_blob", hex, "1"]);
    assert.equal(code, 1, make);
    assert.match(output, /was not a regular file and was removed; run pulumi up again/);
    assert.deepEqual(readdirSync(join(home, ".sealift", "blobs")), []);
  }
  assert.equal(existsSync(join(folder, "state", "blobs", hex)), false);
  assert.equal(readFileSync(join(folder, "root-only"), "utf8"), "x");
});

test("a stored blob that was altered is found, although its length is right", () => {
  const right = "the right bytes";
  const hex = sha256(right);
  writeFileSync(join(home, ".sealift", "blobs", hex), right);
  assert.deepEqual(call(["apply_stored_blob", hex, "15"]), { code: 0, output: "" });
  assert.deepEqual(call(["check_stored_blob", hex, "15"]), { code: 0, output: "" });
  assert.equal(call(["check_delivered", "15", join(folder, "state", "blobs", hex)]).code, 0);
  writeFileSync(join(folder, "state", "blobs", hex), "the wrong bytes");
  assert.match(call(["check_stored_blob", hex, "15"]).output, /^altered: /);
  assert.equal(call(["check_delivered", "15", join(folder, "state", "blobs", hex)]).code, 1);
});

const words = ["ann", "exact", "ssh-ed25519 AAAA ann"] as const;
const { uid, gid } = userInfo();
const annHas = (number: number): void => {
  writeFileSync(join(folder, "passwd"), `ann:x:${number}:${gid}::${home}:/bin/sh\n`);
};

test("another user's folder that a user has renamed to .ssh does not become the user's, and stops no run", () => {
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh", "theirs"), "");
  annHas(uid + 1);
  program("chown", `touch ${marker}`);
  for (const kind of ["guard", "apply"])
    assert.deepEqual(call([`${kind}_authorized_keys`, ...words]), { code: 0, output: "" });
  assert.equal(existsSync(marker), false, "it was handed over");
  const aside = readdirSync(home).filter((name) => name.startsWith(".ssh."));
  assert.deepEqual(
    aside.map((name) => readdirSync(join(home, name))),
    [["theirs"]],
  );
  assert.deepEqual(readdirSync(join(home, ".ssh")), ["authorized_keys"]);
});

for (const [what, make] of [
  [".ssh is a file", "echo mine >.ssh"],
  [".ssh leads elsewhere", "mkdir other && ln -s other .ssh"],
  ["its keys are a folder", "mkdir -p .ssh/authorized_keys/full"],
  ["a folder has the name of what is written", "mkdir -p .ssh/authorized_keys.new/full"],
] as const)
  test(`a user by whom ${what} refuses and stops nothing`, () => {
    annHas(uid);
    assert.equal(sh(make).code, 0);
    assert.deepEqual(call(["guard_authorized_keys", ...words]), { code: 0, output: "" });
    assert.deepEqual(call(["apply_authorized_keys", ...words]), { code: 0, output: "" });
    assert.equal(call(["check_authorized_keys", ...words]).code, 0);
  });

for (const [what, how] of [
  ["stops what runs with their rights", "kill -STOP $$"],
  ["keeps open what it writes to", "sleep 600 & echo $! >>${sleepers}; exit 0"],
] as const)
  for (const kind of ["apply", "check"])
    test(`a user who ${what} delays no run: ${kind}`, () => {
      annHas(uid);
      const sleepers = join(folder, "sleepers");
      rmSync(sleepers, { force: true });
      mkdirSync(join(home, ".ssh"), { mode: 0o700 });
      writeFileSync(join(home, ".ssh", "authorized_keys"), "ssh-ed25519 BBBB ann\n", { mode: 0o600 });
      program("setpriv", how.replace("${sleepers}", sleepers));
      const { code, output } = call([`${kind}_authorized_keys`, ...words]);
      if (existsSync(sleepers))
        for (const pid of readFileSync(sleepers, "utf8").trim().split("\n")) process.kill(Number(pid));
      assert.notEqual(code, null, "it was held up");
      if (how.startsWith("kill")) assert.equal(code, 1, output);
    });

test("a process with a user's rights holds neither a report nor a finding nor the host lock", () => {
  annHas(uid);
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(join(home, ".ssh", "authorized_keys"), "ssh-ed25519 AAAA ann\n", { mode: 0o600 });
  const held = join(folder, "held");
  rmSync(held, { force: true });
  const seen = `for fd in 0 1 2 3 4 5 6 7 8 9; do printf '%s ' $fd; readlink /proc/$$/fd/$fd || echo; done >>${held}; while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;
  for (const name of ["setpriv", "runuser"]) program(name, seen);
  writeFileSync(join(home, ".sealift", "blobs", sha256("x")), "x");
  const more = `exec 4>${folder}/report 9>${folder}/lock
    tells() { read -r me _ </proc/self/stat; echo "1 $(readlink /proc/$me/fd/1)" >>${folder}/theirs; "$@"; }`;
  for (const each of [
    ["check_authorized_keys", ...words],
    ["apply_authorized_keys", ...words],
    ["as_registry", "9", "true"],
    ["registry_bytes", "/dev/null"],
    ["apply_stored_blob", sha256("x"), "1"],
  ])
    assert.deepEqual(call(["tells", ...each], more), { code: 0, output: "" });
  const lines = readFileSync(held, "utf8").trim().split("\n");
  assert.equal(lines.length >= 50, true);
  assert.deepEqual(
    lines.filter((line) => /^[3-9] ./.test(line)),
    [],
  );
  const theirs = readFileSync(join(folder, "theirs"), "utf8").trim().split("\n");
  assert.deepEqual(
    lines.filter((line) => theirs.includes(line)),
    [],
  );
});

test("a file of keys that is a pipe delays nobody, and is no file of keys", () => {
  const file = join(home, ".ssh", "authorized_keys");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(file, "ssh-ed25519 AAAA ann\n", { mode: 0o600 });
  annHas(uid);
  assert.deepEqual(call(["check_authorized_keys", "ann", "exact", "ssh-ed25519 AAAA ann"]), {
    code: 0,
    output: "",
  });
  // It is a file when root checks it, and a pipe when root reads it.
  program("stat", `${real("stat")} "$@"; r=$?; rm ${file}; mkfifo ${file}; exit $r`);
  const { code, output } = call(["check_authorized_keys", "ann", "exact", "ssh-ed25519 AAAA ann"]);
  assert.equal(code, 1);
  assert.match(output, /^0 of 1 listed keys present/);
});

test("root creates no home where others can write", () => {
  mkdirSync(join(home, "open"));
  chmodSync(join(home, "open"), 0o777);
  for (const path of [join(home, "open"), join(home, "open", "new")]) {
    assert.equal(call(["path_is_safe", path]).code, 1);
  }
  assert.equal(call(["path_is_safe", "/usr/bin"]).code, 0);
});
