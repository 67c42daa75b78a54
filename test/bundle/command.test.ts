import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { BundleInventory } from "../../offline-bundle/archive/delta.ts";
import { checkout } from "../lab/cache.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

test("build with an archive, verify, inventory, pack a delta, unpack it: as typed", async () => {
  const { folder, bundleFile, lockFile, key, allowedSigners } = tiny;
  const directory = join(folder, "typed");
  const file = join(folder, "typed.tar.zst");
  const inputs = ["--file", bundleFile, "--lock", lockFile, "--key", key];
  const built = done(
    "build",
    directory,
    ...inputs,
    "--archive",
    file,
    "--split",
    "1MiB",
    "--compression-level",
    "9",
  );
  assert.match(built, /typed\.tar\.zst\.001\n.*typed\.tar\.zst\.parts\.json\n.* 15 blobs$/m);
  const trust = ["--allowed-signers", allowedSigners];
  assert.match(done("verify", `${file}.001`, ...trust), /^blobs +15, 5\.5 kB, all as signed$/m);
  const list = join(folder, "inventory.json");
  assert.match(done("inventory", directory, "-o", list), /^of +bundle serial 1$/m);
  const { digests } = JSON.parse(done("inventory", directory, "--json")) as BundleInventory;
  assert.deepEqual((JSON.parse(await readFile(list, "utf8")) as BundleInventory).digests, digests);
  const delta = join(folder, "delta.tar.zst");
  assert.match(
    done("pack", directory, delta, "--exclude-inventory", list),
    /7 blobs, without 8 \(.*\) that the air-gapped side has$/m,
  );
  assert.match(done("verify", delta, ...trust), /^needs +8 blobs, .* of bundle serial 1: /m);
  const needs = JSON.parse(done("verify", delta, ...trust, "--json")) as { needs: { blobs: number } };
  assert.equal(needs.needs.blobs, 8);
  const out = join(folder, "out");
  assert.match(done("unpack", delta, out, ...trust, "--base", directory), /^signed by +lab@sealift$/m);
  assert.match(done("export-runbook", out, ...trust), /^# Bundle 1 without Sealift$/m);
  assert.equal(
    done("verify", out, ...trust, "--lock", lockFile)
      .split("\n")[0]
      ?.startsWith("bundle"),
    true,
  );
});

test("each kind of failure of pack and unpack has its exit code", async () => {
  const { folder, directory, allowedSigners } = tiny;
  const trust = ["--allowed-signers", allowedSigners];
  const absent = join(folder, "absent.tar.zst");
  const file = join(folder, "b.tar.zst");
  const list = join(folder, "have.json");
  done("inventory", directory, "-o", list);
  done("pack", directory, file, "--exclude-inventory", list);
  done("pack", directory, join(folder, "p.tar.zst"), "--split", "1MiB");
  await rm(join(folder, "p.tar.zst.001"));
  const nobody = join(folder, "busybox");
  const out = join(folder, "never");
  const cases = [
    [["build", out, "--split", "1MiB"], 2, /--archive/],
    [["pack", directory, file, "--split", "1 gig"], 2, /not a size/],
    [["pack", directory, file, "--compression-level", "20"], 2, /1 to 19/],
    [["push", directory, "localhost:1", ...trust, "--username", "x"], 2, /--password-stdin/],
    [["pack", directory, join(folder, "b.zip")], 65, /E_VALUE/],
    [["pack", absent, file], 66, /E_BUNDLE_MISSING/],
    [["unpack", absent, out, ...trust], 66, /E_BUNDLE_MISSING/],
    [["unpack", file, out, ...trust], 66, /E_BUNDLE_BASE/],
    [["unpack", join(folder, "p.tar.zst.parts.json"), out, ...trust], 65, /E_BUNDLE_PART p\.tar\.zst\.001/],
    [["unpack", file, out, "--allowed-signers", nobody], 77, /E_BUNDLE_SIGNATURE/],
    [["inventory", absent], 66, /E_BUNDLE_MISSING/],
    [["inventory", "127.0.0.1:1"], 69, /E_REGISTRY/],
    [["push", directory, "127.0.0.1:1", ...trust, "--plain-http"], 69, /E_REGISTRY/],
    [["push", directory, "127.0.0.1:1", ...trust, "--min-signatures", "2"], 77, /E_BUNDLE_SIGNATURE/],
    [["export-runbook", folder, ...trust], 66, /E_BUNDLE_MISSING/],
    [["export-runbook", directory], 2, /--allowed-signers/],
  ] as const;
  for (const [args, status, words] of cases) {
    const result = sealift(...args);
    assert.equal(result.status, status, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, words);
    assert.doesNotMatch(result.stderr, /^ +at /m);
  }
});

test("the help of every verb has an example", () => {
  const verbs = [...sealift("--help").stdout.matchAll(/^ {2}([a-z-]+) .*[<[]/gm)].map(
    (match) => match[1] ?? "",
  );
  for (const verb of ["lock", "build", "pack", "unpack", "verify", "inventory", "push", "export-runbook"]) {
    assert.ok(verbs.includes(verb), verb);
    assert.match(
      sealift(verb, "--help").stdout,
      new RegExp(`Examples?:\\n {2}\\$ sealift bundle ${verb}`),
      verb,
    );
  }
});

function done(...args: readonly string[]): string {
  const { status, stdout, stderr } = sealift(...args);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

function sealift(...args: readonly string[]): SpawnSyncReturns<string> {
  const program = join(checkout, "cli", "sealift.js");
  return spawnSync(process.execPath, [program, "bundle", ...args], { encoding: "utf8" });
}
