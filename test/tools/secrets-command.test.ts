/** `sealift secret`, as typed, with the real age: who can decrypt what, and where plaintext never is. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { cachePath, checkout } from "../lab/cache.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
let recovery: string;
const undo = undoAfter();
const file = "secrets/shop-db.age";
const plaintext = "hunter2-PLAINTEXT";

before(async () => {
  await useTools();
  folder = mkdtempSync(join(tmpdir(), "sealift-secret-"));
  undo(() => {
    rmSync(folder, { recursive: true });
  });
  await mkdir(join(folder, "stacks"));
  for (const name of ["a", "b", "c"])
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name);
  recovery = /age1\S+/.exec(run("age-keygen", "-o", "recovery.key").stderr)?.[0] ?? "";
  writeSite("a", "b");
});

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, ...args: readonly string[]): Ran {
  return spawnSync(program, args, { cwd: folder, encoding: "utf8" });
}

const cli = join(checkout, "cli", "main.ts");
/** `sealift secret <args>` in the checkout. */
function secret(args: readonly string[], input?: string, env: NodeJS.ProcessEnv = {}): Ran {
  const found = spawnSync(process.execPath, [cli, "secret", ...args], {
    ...{ cwd: folder, encoding: "utf8", env: { ...process.env, ...env } },
    ...(input === undefined ? {} : { input }),
  });
  assert.doesNotMatch(found.stdout + found.stderr, /PLAINTEXT|AGE-SECRET-KEY/);
  return found;
}

const edit = ["edit", file, "--env", "prod", "--app", "shop"];
const withKey = [...edit, "--identity", "recovery.key"];

/** The application runs on the first host; the second has none. */
function writeSite(first: string, second: string, more = ""): void {
  const key = (name: string): string =>
    readFileSync(join(folder, `${name}.pub`), "utf8")
      .split(" ")
      .slice(0, 2)
      .join(" ")
      .trim();
  writeFileSync(
    join(folder, "stacks", "prod.site.yaml"),
    `bundle: { directory: bundle, allowedSigners: stacks/allowed_signers }
engine: { version: 28.5.2, compose: 5.5.1 }
users: [{ name: deploy, uid: 1500, authorizedKeys: [] }]
volumes: { existing: [{ mount: /data }] }
daemon: { data-root: /data/docker, log-driver: local, log-opts: { max-size: 20m, max-file: "5" }, features: { containerd-snapshotter: true } }
secrets: { age: 1.3.1, recoveryKey: ${recovery} }
apps:
  - { name: shop, version: 2.4.0, hosts: [node-a${more}], secrets: { db_password: ${file} } }
hosts:
  - { name: node-a, address: 10.20.0.11, sshUser: ops, hostKey: ${key(first)} }
  - { name: node-b, address: 10.20.0.12, sshUser: ops, hostKey: ${key(second)} }
`,
  );
}

/** What this private key makes of the file; undefined: it cannot decrypt it. */
function decryptedBy(key: string): string | undefined {
  const { status, stdout } = run("age", "--decrypt", "-i", key, file);
  return status === 0 ? stdout : undefined;
}

test("a new secret from standard input is for the hosts of its application and the recovery key, byte for byte", () => {
  const missing = secret(["list", "prod"]);
  assert.deepEqual(
    [missing.status, missing.stdout],
    [65, `${file}  shop/db_password  node-a  no such file\n`],
  );
  const { status, stdout } = secret([...edit, "--stdin"], `${plaintext}\n`);
  assert.deepEqual([status, stdout], [0, `${file}: encrypted for node-a and the recovery key\n`]);
  assert.deepEqual(["a", "recovery.key", "b"].map(decryptedBy), [
    `${plaintext}\n`,
    `${plaintext}\n`,
    undefined,
  ]);
  assert.match(readFileSync(join(folder, file), "utf8"), /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  assert.equal(secret(["list", "prod"]).stdout, `${file}  shop/db_password  node-a  ok\n`);
});

test("another host, and another host key, are refused until the secret is encrypted again", () => {
  writeSite("a", "b", ", node-b");
  const stale = secret(["list", "prod"]);
  assert.deepEqual(
    [stale.status, stale.stdout],
    [65, `${file}  shop/db_password  node-a, node-b  not encrypted for node-b\n`],
  );
  const wrong = secret(["rekey", "prod", "--identity", "b"]);
  assert.equal(wrong.status, 65);
  assert.match(wrong.stderr, /E_SECRET_DECRYPT .*found: no identity matched any of the recipients; /);
  assert.equal(decryptedBy("b"), undefined);
  assert.equal(secret(["rekey", "prod", "--identity", "recovery.key"]).stdout, `${file}: encrypted again\n`);
  assert.equal(decryptedBy("b"), `${plaintext}\n`);
  writeSite("c", "b");
  const check = spawnSync(process.execPath, [cli, "check", "prod"], { cwd: folder, encoding: "utf8" });
  assert.match(check.stdout, /E_SECRET_RECIPIENT secrets\/shop-db\.age\n/);
  assert.match(check.stdout, /not encrypted for node-a; encrypted for ssh keys of no such host/);
  assert.match(check.stdout, /fix +sealift secret rekey prod --identity <file of the recovery key>/);
  secret(["rekey", "prod", "--identity", "recovery.key"]);
  assert.deepEqual(["a", "b", "c"].map(decryptedBy), [undefined, undefined, `${plaintext}\n`]);
  const nothing = secret(["rekey", "prod", "--identity", "recovery.key"]);
  assert.equal(nothing.stdout, "nothing to do: every secret is encrypted for its hosts\n");
});

test("a new recovery key takes the place of the old one in every secret", () => {
  const old = recovery;
  recovery = /age1\S+/.exec(run("age-keygen", "-o", "new.key").stderr)?.[0] ?? "";
  writeSite("c", "b");
  assert.equal(secret(["rekey", "prod", "--identity", "recovery.key", "--all"]).status, 0);
  assert.deepEqual(["recovery.key", "new.key"].map(decryptedBy), [undefined, `${plaintext}\n`]);
  recovery = old;
  writeSite("c", "b");
  assert.equal(secret(["rekey", "prod", "--identity", "new.key", "--all"]).status, 0);
});

test("a value of Pulumi's configuration gets into a file through a pipe, as the guide says", () => {
  const env = {
    ...{ ...process.env, PULUMI_HOME: cachePath("pulumi-home"), PULUMI_BACKEND_URL: `file://${folder}` },
    ...{ PULUMI_CONFIG_PASSPHRASE: "x", PULUMI_SKIP_UPDATE_CHECK: "true" },
  };
  const sh = (command: string): Ran =>
    spawnSync("sh", ["-c", command], { cwd: folder, encoding: "utf8", env });
  writeFileSync(join(folder, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
  const made = sh(
    `pulumi stack init prod && printf '%s' ${plaintext}-7 | pulumi config set --secret shop:dbPassword --stack prod`,
  );
  assert.equal(made.status, 0, made.stderr);
  const guide = readFileSync(join(checkout, "docs", "guide", "secrets.md"), "utf8");
  const [, command = ""] = /^\$ (pulumi config get .*--stdin)$/m.exec(guide) ?? [];
  const { status, stdout, stderr } = sh(command.replace("sealift", `${process.execPath} ${cli}`));
  assert.deepEqual([status, stdout, stderr], [0, `${file}: encrypted for node-a and the recovery key\n`, ""]);
  assert.equal(decryptedBy("c"), `${plaintext}-7`);
  assert.equal(secret([...edit, "--stdin"], `${plaintext}\n`).status, 0);
});

test("an editor gets the present value in memory; what it leaves is encrypted, without the line end that it added", () => {
  // Says where the file is and what it may be, then changes it as an editor would.
  const editor = join(folder, "editor");
  writeFileSync(
    editor,
    `#!/bin/sh\nstat -f -c %T "$1" >${folder}/seen; stat -c '%a %n' "$1" >>${folder}/seen; cat "$1" >>${folder}/seen; echo ${plaintext}-3 >"$1"\n`,
    { mode: 0o755 },
  );
  const env = { VISUAL: "", EDITOR: editor };
  const { status, stdout } = secret(withKey, undefined, { ...env, XDG_RUNTIME_DIR: "" });
  assert.deepEqual([status, stdout], [0, `${file}: encrypted for node-a and the recovery key\n`]);
  const seen = readFileSync(join(folder, "seen"), "utf8");
  assert.match(seen, new RegExp(`^tmpfs\n600 /dev/shm/sealift-\\w+/secret\n${plaintext}\n$`));
  assert.equal(decryptedBy("c"), `${plaintext}-3`);
  // A folder on a disk is not believed to be in memory.
  const onDisk = mkdtempSync(cachePath("test", "not-in-memory-"));
  undo(() => {
    rmSync(onDisk, { recursive: true });
  });
  secret(withKey, undefined, { ...env, XDG_RUNTIME_DIR: onDisk });
  assert.match(readFileSync(join(folder, "seen"), "utf8"), /^tmpfs\n600 \/dev\/shm\/sealift-/);
  const same = secret(withKey, undefined, { EDITOR: "true", VISUAL: "" });
  assert.equal(same.stdout, `${file}: unchanged\n`);
});

test("a failed editor, no editor, no key and an empty value change nothing", () => {
  const before = readFileSync(join(folder, file), "utf8");
  const cases: readonly [Ran, RegExp][] = [
    [
      secret(withKey, undefined, { EDITOR: "false", VISUAL: "" }),
      /E_TOOL editor: found: false ended with 1; /,
    ],
    [secret(withKey, undefined, { EDITOR: "", VISUAL: "" }), /E_TOOL editor: found: no editor; /],
    [
      secret(edit, undefined, { EDITOR: "true" }),
      /E_VALUE .*found: no --identity; .* replace the value with --stdin/,
    ],
    [secret([...edit, "--stdin"], ""), /E_VALUE .*found: nothing; expected: a value of at least one byte; /],
    [
      secret([...edit, "--stdin"], "x".repeat(800_000)),
      /E_VALUE secrets\/shop-db\.age: found: 800000 bytes, 1\d{6} when encrypted; expected: at most 1048576 bytes when encrypted; fix: keep only a password/,
    ],
    [
      secret(["edit", file, "--env", "prod", "--app", "other", "--stdin"], "x"),
      /E_VALUE --app: found: no host runs other; expected: an application of the site: shop; /,
    ],
    [
      secret(["edit", "../x.age", "--env", "prod", "--app", "shop", "--stdin"], "x"),
      /E_VALUE <file>: found: another path; /,
    ],
    [
      secret([...edit, "--stdin"], "x", { PATH: join(checkout, "node_modules", ".bin") }),
      /E_TOOL age: found: spawn age ENOENT; .* install age/,
    ],
  ];
  for (const [{ status, stderr }, expected] of cases) {
    assert.notEqual(status, 0);
    assert.match(stderr, expected);
  }
  assert.equal(readFileSync(join(folder, file), "utf8"), before);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  test(
    `after ${signal} nothing of the plaintext is left, and nothing was changed`,
    { timeout: 30_000 },
    async () => {
      const before = readFileSync(join(folder, file), "utf8");
      const memory = mkdtempSync("/dev/shm/sealift-test-");
      undo(() => {
        rmSync(memory, { recursive: true });
      });
      // A group of its own, as the terminal has one: an interrupt from the keyboard reaches all of it.
      const child = spawn(process.execPath, [cli, "secret", ...withKey], {
        ...{ cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] },
        env: { ...process.env, VISUAL: "", EDITOR: "tail -f", XDG_RUNTIME_DIR: memory },
      });
      // tail prints the file: it is there now.
      await once(child.stdout, "data");
      assert.equal(readdirSync(memory).length, 1);
      const ended = once(child, "close");
      process.kill(signal === "SIGINT" ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
      await ended;
      assert.notEqual(child.exitCode, 0);
      assert.deepEqual(readdirSync(memory), []);
      assert.equal(readFileSync(join(folder, file), "utf8"), before);
    },
  );
