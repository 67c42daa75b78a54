/** Somebody on the host who may write where the login may: nothing of it becomes root's word between a look and its use. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { library } from "../support/example-host.ts";

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
  });
  return { code: status, output: stdout + stderr };
}

/** Calls one function of the library as run.sh does; whoever runs the test is its root. */
function call(words: readonly string[], more = ""): { code: number | null; output: string } {
  const text = library.text
    .replace("PATH=/usr/local/sbin:", `PATH=${bin}:/usr/local/sbin:`)
    .replaceAll("/etc/passwd", join(folder, "passwd"));
  const asUser =
    'runuser() { shift 3; "$@"; }\nsetpriv() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }';
  const places = `SEALIFT_STATE=${folder}/state SEALIFT_BLOBS=${folder}/state/blobs SEALIFT_HASHES=${folder}/run/hashes`;
  writeFileSync(
    join(folder, "call.sh"),
    `${text}\n${places}\n${asUser}\n${more}\nset -u\nattempt ${words.map(quote).join(" ")}\nprintf %s "$attempt_output"\nexit "$attempt_status"\n`,
  );
  return sh(`. ${folder}/call.sh`);
}

const launch = readFileSync(new URL("../../modules/core/launch.sh", import.meta.url), "utf8").replaceAll(
  "/run/sealift",
  join(folder, "run"),
);

test("a library that is changed after its bytes were checked is not what root runs", () => {
  const right = "echo the right one\n";
  const file = join(home, ".sealift", `${sha256(right)}.sh`);
  writeFileSync(file, right);
  program("id", "echo 1000");
  // In between: root is about to run what the login has looked at.
  program("sudo", `shift; echo 'touch ${marker}' >${file}; exec "$@"`);
  const { code, output } = sh(`set -- ${sha256(right)}\n${launch}`);
  assert.equal(existsSync(marker), false, "a member of the login's group is root");
  assert.equal(code, 66, output);
  assert.match(output, /E_LIBRARY run pulumi up again/);
});

test("the library runs from a folder of root alone, and the login's folder is closed", () => {
  const right = 'echo "$0 $1"; stat -c %a "${0%/*}" "$0" ~/.sealift\n';
  writeFileSync(join(home, ".sealift", `${sha256(right)}.sh`), right, { mode: 0o664 });
  program("id", "echo 1000");
  program("sudo", 'shift; exec "$@"');
  const { output } = sh(`set -- ${sha256(right)}\n${launch}`);
  assert.equal(output, `${folder}/run/library/${sha256(right)}.sh apply\n700\n600\n700\n`);
});

test("a library that is a pipe, or endless, holds nobody up", () => {
  const name = join(home, ".sealift", `${"0".repeat(64)}.sh`);
  program("id", "echo 1000");
  program("sudo", 'shift; exec "$@"');
  program("timeout", `shift; exec ${real("timeout")} 1 "$@"`);
  for (const make of [`mkfifo ${name}`, `ln -s /dev/zero ${name}`]) {
    assert.equal(sh(make).code, 0);
    assert.match(sh(`set -- ${"0".repeat(64)}\n${launch}`).output, /E_LIBRARY run pulumi up again/);
  }
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
  call(["apply_engine_blob", hex, String(right.length)]);
  assert.equal(readFileSync(join(folder, "state", "blobs", hex), "utf8"), right);
});

test("a blob that was altered where it is kept is found, though it has its length", () => {
  const right = "the right bytes";
  const hex = sha256(right);
  writeFileSync(join(home, ".sealift", "blobs", hex), right);
  assert.deepEqual(call(["apply_engine_blob", hex, "15"]), { code: 0, output: "" });
  assert.deepEqual(call(["check_engine_blob", hex, "15"]), { code: 0, output: "" });
  assert.equal(call(["check_delivered", "15", join(folder, "state", "blobs", hex)]).code, 0);
  writeFileSync(join(folder, "state", "blobs", hex), "the wrong bytes");
  assert.match(call(["check_engine_blob", hex, "15"]).output, /^altered: /);
  assert.equal(call(["check_delivered", "15", join(folder, "state", "blobs", hex)]).code, 1);
});

test("a folder of somebody else that a user has called .ssh does not become the user's", () => {
  const { uid, gid } = userInfo();
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(folder, "passwd"), `ann:x:${uid + 1}:${gid}::${home}:/bin/sh\n`);
  program("chown", `touch ${marker}`);
  const words = ["ann", "exact", "ssh-ed25519 AAAA ann"] as const;
  for (const kind of ["guard", "apply"]) {
    const { code, output } = call([`${kind}_authorized_keys`, ...words]);
    assert.equal(code, 1, output);
    assert.match(output, /^E_HOME \S+\/\.ssh is no folder of ann/);
  }
  assert.equal(existsSync(marker), false, "it was handed over");
});

test("a file of keys that is a pipe holds nobody up, and is no file of keys", () => {
  const { uid, gid } = userInfo();
  const file = join(home, ".ssh", "authorized_keys");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(file, "ssh-ed25519 AAAA ann\n", { mode: 0o600 });
  writeFileSync(join(folder, "passwd"), `ann:x:${uid}:${gid}::${home}:/bin/sh\n`);
  assert.deepEqual(call(["check_authorized_keys", "ann", "exact", "ssh-ed25519 AAAA ann"]), {
    code: 0,
    output: "",
  });
  // It is a file when root looks, and a pipe when root reads.
  program("stat", `${real("stat")} "$@"; r=$?; rm ${file}; mkfifo ${file}; exit $r`);
  program("timeout", `shift; exec ${real("timeout")} 1 "$@"`);
  const { code, output } = call(["check_authorized_keys", "ann", "exact", "ssh-ed25519 AAAA ann"]);
  assert.equal(code, 1);
  assert.match(output, /^0 of 1 keys/);
});

test("what others may write into is no place for root to make a home in", () => {
  mkdirSync(join(home, "open"));
  chmodSync(join(home, "open"), 0o777);
  for (const path of [join(home, "open"), join(home, "open", "new")]) {
    assert.equal(call(["path_is_safe", path]).code, 1);
  }
  assert.equal(call(["path_is_safe", "/usr/bin"]).code, 0);
});
