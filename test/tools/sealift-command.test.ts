import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { checkout } from "../lab/cache.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { changed } from "../support/fixtures/site-text.ts";
import { makeTinyInputs, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyInputs();
  undo(() => tiny.remove());
});

test("lock, build and verify, as typed", async () => {
  const { bundleFile, lockFile, directory, key, allowedSigners } = tiny;
  const files = ["--file", bundleFile, "--lock", lockFile];
  const locked = sealift("lock", ...files);
  assert.equal(locked.status, 0, locked.stderr);
  assert.match(locked.stdout, /^added +docker 28\.5\.2 linux\/amd64$/m);
  const built = sealift("build", directory, ...files, "--key", key);
  assert.equal(built.status, 0, built.stderr);
  const verified = sealift("verify", directory, "--allowed-signers", allowedSigners, "--lock", lockFile);
  assert.equal(verified.status, 0, verified.stderr);
  assert.match(verified.stdout, /^signed by +lab@sealift$/m);
  assert.match(verified.stdout, /^engine +28\.5\.2 linux\/arm64$/m);
  const json = sealift("verify", directory, "--allowed-signers", allowedSigners, "--json");
  const result = JSON.parse(json.stdout) as { ok: boolean; serial: number; engines: unknown[] };
  assert.deepEqual([result.ok, result.serial, result.engines.length], [true, 1, 2]);

  const inspected = sealift("inspect", directory, "--json");
  const shown = JSON.parse(inspected.stdout) as { signatures: unknown[]; files: unknown[] };
  assert.deepEqual([shown.signatures.length, shown.files.length], [1, 4]);
  const same = sealift("diff", directory, lockFile, "--json");
  assert.deepEqual([same.status, (JSON.parse(same.stdout) as { same: boolean }).same], [0, true]);
  const accepted = sealift("accept", directory, "--allowed-signers", allowedSigners, "--json");
  assert.deepEqual(
    [accepted.status, (JSON.parse(accepted.stdout) as { before: boolean }).before],
    [0, false],
  );

  await rm(join(directory, "sealift.json.sig"));
  const unsigned = sealift("verify", directory, "--allowed-signers", allowedSigners, "--json");
  assert.equal(unsigned.status, 77);
  const { ok, problems } = JSON.parse(unsigned.stdout) as { ok: boolean; problems: { code: string }[] };
  assert.deepEqual([ok, problems.map(({ code }) => code)], [false, ["E_BUNDLE_UNSIGNED"]]);
});

test("an environment that uses more than is pinned is refused, with a bundle and without", async () => {
  const { directory, key, lockFile, allowedSigners, folder } = tiny;
  const stacks = join(folder, "stacks");
  await mkdir(stacks);
  await writeFile(join(stacks, "Pulumi.prod.yaml"), changed("version: 28.5.2", "version: 9.9.9"));
  await signBundle(directory, key);
  for (const args of [
    ["verify", directory, "--allowed-signers", allowedSigners],
    ["verify", "--lock-only", "--lock", lockFile],
  ]) {
    const result = sealift(...args, "--stacks", stacks);
    assert.equal(result.status, 65, result.stdout);
    assert.match(
      result.stderr,
      /Pulumi\.prod\.yaml:20:16: E_NOT_IN_LOCK node-a, node-b engine\.version: found: docker 9\.9\.9/,
    );
  }
  await rm(join(directory, inside.signature));
});

test("a check before signing keeps a broken bundle from being signed", async () => {
  const { directory, key, allowedSigners } = tiny;
  const [blob = ""] = await readdir(join(directory, inside.blobs));
  await flipBit(join(directory, inside.blobs, blob));
  const refusal = sealift("sign", directory, "--key", key, "--allowed-signers", allowedSigners);
  assert.equal(refusal.status, 65, refusal.stdout);
  assert.match(refusal.stderr, /E_BUNDLE_DIGEST/);
  assert.ok(!(await readdir(directory)).includes(inside.signature));
});

test("each kind of failure has its exit code and one line for people", () => {
  const { folder, bundleFile } = tiny;
  const absent = join(folder, "absent");
  const cases = [
    [["verify"], 2, /missing required argument|required option/],
    [["verify", folder, "--allowed-signers", absent, "--loc", "x"], 2, /unknown option '--loc'/],
    [["verify", folder], 2, /required option '--allowed-signers <path>' not specified/],
    [
      ["verify", folder, "--allowed-signers", absent, "--min-signatures", "none"],
      2,
      /The value must be a number from 1 to 9/,
    ],
    [["verify", folder, "--lock-only"], 2, /--lock-only takes no bundle/],
    [["verify", "--lock-only", "--lock", absent], 66, /E_LOCK_MISSING/],
    [["sbom", folder, "--format", "swid"], 2, /Allowed choices are cyclonedx, spdx/],
    [["verify", absent, "--allowed-signers", absent], 66, /E_BUNDLE_MISSING/],
    [["build", join(folder, "out"), "--file", bundleFile, "--lock", absent], 66, /E_LOCK_MISSING/],
    [["lock", "--file", join(folder, "busybox"), "--lock", absent], 65, /E_TYPE/],
  ] as const;
  for (const [args, status, words] of cases) {
    const result = sealift(...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, words);
    assert.doesNotMatch(result.stderr, /^ +at /m);
  }
  const fromRegistry = join(folder, "from-registry.yaml");
  writeFileSync(fromRegistry, "platforms: [linux/amd64]\nimages: [{ name: 127.0.0.1:1/team/app:1 }]\n");
  const noOras = sealift.with({ SEALIFT_ORAS: absent }, "lock", "--file", fromRegistry, "--lock", absent);
  assert.equal(noOras.status, 69, noOras.stderr);
  assert.match(noOras.stderr, /E_TOOL/);
});

test("help shows an example and every exit code, and is no failure", () => {
  const verb = sealift("verify", "--help");
  assert.equal(verb.status, 0);
  assert.match(verb.stdout, /Examples?:\n {2}\$ sealift bundle verify/);
  const { stdout } = spawnSync(process.execPath, [join(checkout, "cli", "sealift.js"), "--help"], {
    encoding: "utf8",
  });
  for (const code of [0, 1, 2, 65, 66, 69, 77]) assert.match(stdout, new RegExp(`^ +${code} `, "m"));
});

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sealift(...args: readonly string[]): Result {
  return sealift.with({}, ...args);
}
sealift.with = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Result =>
  spawnSync(process.execPath, [join(checkout, "cli", "sealift.js"), "bundle", ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });

test("a closed pipe causes no stack trace, on either stream", () => {
  const command = `${quote(process.execPath)} ${quote(join(checkout, "cli", "sealift.js"))}`;
  for (const [words, streams] of [
    ["--help", ""],
    ["bundle verify --help", ""],
    ["nonsense", "2>&1 >/dev/null"],
  ] as const) {
    // The reader is gone before the first byte, and says so.
    const script = `{ { read -r gone; ${command} ${words} ${streams}; echo $? >&3; } 3>&4 <fifo | { exec <&-; echo gone >fifo; }; } 4>&1`;
    const ran = spawnSync("sh", ["-c", `mkfifo fifo && ${script}; rm fifo`], {
      cwd: tiny.folder,
      encoding: "utf8",
    });
    assert.deepEqual([ran.stdout, ran.stderr], ["141\n", ""], words);
  }
});
