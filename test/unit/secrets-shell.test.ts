/** What a host's shell does with the list of secrets and with an age that fails; the rest is tested on hosts. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

const sha256 = (digit: string): string => digit.repeat(64);
const one = sha256("1");
const two = sha256("2");

describe("secrets on a host", () => {
  let folder: string;
  // In memory, because the script decrypts nowhere else.
  beforeEach(() => (folder = mkdtempSync("/dev/shm/sealift-test-")));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const path = (...names: readonly string[]): string => join(folder, ...names);

  /** An age that prints what is in the encrypted file, except for one with the word foreign. */
  const age = `#!/bin/sh
while [ $# -gt 1 ]; do case $1 in -o) out=$2; shift 2 ;; -i) shift 2 ;; *) shift ;; esac; done
if grep -q foreign "$1"; then echo "age: error: no identity matched any of the recipients" >&2; exit 1; fi
if grep -q silent "$1"; then exit 3; fi
cat "$1" >"\${out:-/dev/stdout}"
`;

  /** Runs functions of the library on folders of this test; whoever runs it owns the files. */
  function sh(commands: string, list: readonly string[]): string {
    mkdirSync(path("store"), { recursive: true });
    mkdirSync(path("open", "shop"), { recursive: true });
    mkdirSync(path("age", "1"), { recursive: true });
    writeFileSync(path("age", "1", "age"), age, { mode: 0o755 });
    writeFileSync(path("store", "list"), list.map((line) => `${line}\n`).join(""));
    const names = `SECRETS_STORE=${path("store")} SECRETS_LIST=${path("store", "list")} SECRETS_OPEN=${path("open")} AGE_PROGRAMS=${path("age")} SECRETS_SCRIPT=/dev/null`;
    const stubs =
      "chown() { :; }\nfile_owned() { :; }\nhash_inspect() { :; }\nknown_hash() { :; }\nsecret_receive() { :; }\ninstall() { :; }\n";
    const input = `${library.text}\n${names}\n${stubs}${commands}\n`;
    return execFileSync("sh", { input, encoding: "utf8" });
  }
  const lines = (): readonly string[] => readFileSync(path("store", "list"), "utf8").trimEnd().split("\n");
  const apply = (secret: string, sum: string): string =>
    `attempt apply_secret shop ${secret} ${sum} 3 0:0 0400 1; printf %s "$attempt_output"`;
  const uses = (name: string): string =>
    `secret_is_used() { case "$1" in ${name}) return 0 ;; esac; used=$1; shift; case " $* " in *" $used "*) return 0 ;; esac; return 1; }\n`;

  test("a dot in the name of a secret stands for itself: db.pass leaves db-pass alone", () => {
    const other = `shop db-pass.11111111 ${one} 0:0 0400 needed`;
    assert.equal(sh(apply("db.pass", one), [other]), "");
    assert.deepEqual(lines(), [other, `shop db.pass.11111111 ${one} 0:0 0400 needed`]);
  });

  test("another owner replaces the line; another content keeps the earlier one for its release", () => {
    sh(apply("token", two), [
      `shop token.11111111 ${one} 0:0 0400 needed`,
      `shop token.22222222 ${two} 7:7 0400 needed`,
      `blog token.11111111 ${one} 0:0 0400 needed`,
      `shop token.x.11111111 ${one} 0:0 0400 needed`,
    ]);
    assert.deepEqual(lines(), [
      `shop token.11111111 ${one} 0:0 0400 kept`,
      `blog token.11111111 ${one} 0:0 0400 needed`,
      `shop token.x.11111111 ${one} 0:0 0400 needed`,
      `shop token.22222222 ${two} 0:0 0400 needed`,
    ]);
  });

  test("a secret that the site has again is needed again", () => {
    sh(apply("token", one), [`shop token.11111111 ${one} 0:0 0400 kept`]);
    assert.deepEqual(lines(), [`shop token.11111111 ${one} 0:0 0400 needed`]);
  });

  test("what only an earlier release uses is reported while it is listed as needed, and then listed as kept", () => {
    const list = [
      `shop token.11111111 ${one} 0:0 0400 needed`,
      `shop gone.11111111 ${one} 0:0 0400`,
      `shop mine.22222222 ${two} 0:0 0400 needed`,
    ];
    const stale = `${uses("shop/token.11111111")}attempt check_secrets_others shop/mine.22222222; printf %s "$attempt_output"\n`;
    mkdirSync(path("store"));
    for (const sum of [one, two]) writeFileSync(path("store", sum), "x");
    assert.equal(
      sh(stale, list),
      `${path("store", "list")} has as needed what only an earlier release uses: shop/token.11111111`,
    );
    const applied = `${uses("shop/token.11111111")}attempt apply_secrets_others shop/mine.22222222; printf %s "$attempt_output"; attempt check_secrets_others shop/mine.22222222; printf %s "$attempt_output"\n`;
    assert.equal(sh(applied, list), "");
    assert.deepEqual(lines(), [
      `shop token.11111111 ${one} 0:0 0400 kept`,
      `shop mine.22222222 ${two} 0:0 0400 needed`,
    ]);
  });

  test("the service is started with what the site needs now, so that an earlier secret cannot keep it from starting", () => {
    const start = `${uses("shop/token.11111111")}systemctl() { cat ${path("store", "list")}; }\ntimeout() { shift; "$@"; }\n`;
    const list = [
      `shop token.11111111 ${one} 0:0 0400 needed`,
      `shop mine.22222222 ${two} 0:0 0400 needed`,
      `shop gone.22222222 ${two} 0:0 0400 needed`,
    ];
    assert.equal(
      sh(`${start}attempt apply_secrets_service shop/mine.22222222; echo "$attempt_output"`, list),
      `shop token.11111111 ${one} 0:0 0400 kept\nshop mine.22222222 ${two} 0:0 0400 needed\n`,
    );
  });

  /** The script of the unit, with folders of this test. */
  function openSecrets(list: readonly string[]): { status: number | null; stderr: string } {
    const script = sh("secrets_script", list)
      .replaceAll("/run/sealift/secrets", path("open"))
      .replaceAll("/var/lib/sealift/secrets", path("store"))
      .replaceAll("/run/sealift", folder);
    const { status, stderr } = spawnSync("sh", ["-s", path("age", "1", "age")], {
      input: script,
      encoding: "utf8",
    });
    return { status, stderr };
  }

  test("at boot, a kept secret that cannot be decrypted is a warning, a needed one a failure; the others are decrypted", () => {
    const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
    const kept = `shop token.11111111 ${one} ${owner} 0400 kept`;
    const mine = `shop token.22222222 ${two} ${owner} 0400 needed`;
    mkdirSync(path("store"));
    writeFileSync(path("store", one), "foreign");
    writeFileSync(path("store", two), "mine");
    const warned = openSecrets([kept, mine]);
    assert.match(warned.stderr, /^warning: secret token\.11111111 of shop was not decrypted; only an /m);
    assert.equal(warned.status, 0);
    assert.equal(readFileSync(path("open", "shop", "token.22222222"), "utf8"), "mine");
    rmSync(path("store", one));
    assert.equal(openSecrets([kept, mine]).status, 0, "also when its file is lost");
    writeFileSync(path("store", two), "foreign");
    const failed = openSecrets([kept, mine]);
    assert.match(failed.stderr, /^secret token\.22222222 of shop was not decrypted$/m);
    assert.equal(failed.status, 1);
  });

  const checks: readonly [what: string, encrypted: string, inMemory: string, found: RegExp][] = [
    ["the same content", "mine", "mine", /^$/],
    ["an empty one", "", "", /^$/],
    ["other content", "mine", "theirs", /token\.11111111 has other content$/],
    ["an empty file, and age fails", "foreign", "", /does not decrypt it: no identity matched any of the /],
    ["an empty file, and age fails without a word", "silent", "", /does not decrypt it: age ended with 3$/],
  ];
  for (const [what, encrypted, inMemory, found] of checks)
    test(`a secret in memory is compared with what age decrypts: ${what}`, () => {
      mkdirSync(path("store"));
      mkdirSync(path("open", "shop"), { recursive: true });
      writeFileSync(path("store", one), encrypted);
      writeFileSync(path("open", "shop", "token.11111111"), inMemory, { mode: 0o400 });
      const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
      const check = `attempt check_secret shop token ${one} 3 ${owner} 0400 1; printf %s "$attempt_output"`;
      assert.match(sh(check, [`shop token.11111111 ${one} ${owner} 0400 needed`]), found);
    });
});
