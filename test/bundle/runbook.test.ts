import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inventoryOfBundle } from "../../offline-bundle/inventory.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { startRegistry } from "../support/servers/registry-process.ts";
import { type ProcessResult, runProcess } from "../support/process/run-process.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
/** The commands of the runbook in their order: settings, unpack, check, files from the bundle, files from the registry. */
let blocks: readonly string[];
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  const text = runbookOf(await verifyBundle(tiny.directory, tiny));
  blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? "");
  assert.equal(blocks.length, 5);
});

const [settings, unpack, check, fromBundle, fromRegistry] = [0, 1, 2, 3, 4];

test("a bundle as built passes the manual check, and any flipped bit does not", async () => {
  const good = await sh([settings, check], { BUNDLE: tiny.directory });
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /Good "sealift-bundle" signature for lab@sealift/);
  const blobs = (await readdir(join(tiny.directory, inside.blobs))).map((name) => join(inside.blobs, name));
  const { manifest: bundleManifest, signature, index, lock, marker } = inside;
  for (const name of [...blobs, bundleManifest, signature, index, lock, marker]) {
    const copy = await copyOf(tiny);
    await flipBit(join(copy, name));
    const bad = await sh([settings, check], { BUNDLE: copy });
    assert.notEqual(bad.exitCode, 0, name);
    await rm(copy, { recursive: true });
  }
  const missing = await copyOf(tiny);
  await rm(join(missing, blobs[0] ?? ""));
  assert.notEqual((await sh([settings, check], { BUNDLE: missing })).exitCode, 0);
  const more = await copyOf(tiny);
  await writeFile(join(more, inside.blobs, "more"), "x");
  assert.notEqual((await sh([settings, check], { BUNDLE: more })).exitCode, 0);
});

test("one file, parts and a delta are manually unpacked to what was packed", async () => {
  const folder = join(tiny.folder, "by hand");
  await mkdir(folder);
  const file = join(folder, "bundle.tar.zst");
  const have = join(folder, "inventory.json");
  await writeFile(have, JSON.stringify((await inventoryOfBundle(tiny.directory)).inventory));
  for (const options of [{}, { splitBytes: 1_000 }, { have }]) {
    await packBundle(tiny.directory, { file, ...options });
    const TMPDIR = await mkdtemp(join(folder, "tmp-"));
    const result = await sh([settings, unpack, check], { TMPDIR, CARRIED: file, BASE: tiny.directory });
    assert.equal(result.exitCode, 0, result.stderr);
    const [work = ""] = result.stdout.split("\n");
    assert.deepEqual(await folderListing(join(work, "bundle")), await folderListing(tiny.directory));
  }
});

test("host files are extracted manually from the bundle and the registry, under their sha256", async () => {
  const registry = await startRegistry(join(tiny.folder, "registry"), { tls: true });
  try {
    const CA = registry.caFile ?? "";
    await pushBundle(tiny.directory, registry.address, { ...tiny, caFile: CA });
    const TMPDIR = await mkdtemp(join(tiny.folder, "tmp-"));
    const names = { BUNDLE: tiny.directory, REGISTRY: registry.address, CA, TMPDIR };
    const first = await sh([settings, fromBundle], names);
    assert.equal(first.exitCode, 0, first.stderr);
    const files = join(first.stdout, "files");
    const listing = await folderListing(files);
    assert.equal(
      await readFile(join(files, "compose-5.5.1-linux-arm64-compose-arm64"), "utf8"),
      "compose for arm64\n",
    );
    const second = await sh([settings, fromRegistry], names);
    assert.equal(second.exitCode, 0, second.stderr);
    assert.notEqual(second.stdout, first.stdout);
    assert.deepEqual(await folderListing(join(second.stdout, "files")), listing);
    const other = join(TMPDIR, "ca");
    await cp(join(tiny.folder, "key", "signing.pub"), other);
    const distrusted = await sh([settings, fromRegistry], { ...names, CA: other });
    assert.notEqual(distrusted.exitCode, 0);
  } finally {
    await registry.stop();
  }
});

test("a host file that was swapped after the check is not copied out of the bundle unnoticed", async () => {
  const copy = await copyOf(tiny);
  assert.equal((await sh([settings, check], { BUNDLE: copy })).exitCode, 0);
  const lock = await readFile(join(copy, inside.lock), "utf8");
  await flipBit(join(copy, inside.blobs, /sha256: ([0-9a-f]{64})/.exec(lock)?.[1] ?? ""));
  const TMPDIR = await mkdtemp(join(tiny.folder, "tmp-"));
  const { exitCode, stdout } = await sh([settings, fromBundle], { BUNDLE: copy, TMPDIR });
  assert.notEqual(exitCode, 0);
  assert.deepEqual(await readdir(join(stdout, "files")), []);
});

function sh(numbers: readonly number[], env: Readonly<Record<string, string>>): Promise<ProcessResult> {
  const script = numbers.map((at) => blocks[at] ?? "exit 1").join("\n");
  const own = { SIGNERS: tiny.allowedSigners, TMPDIR: tiny.folder, ...env };
  return runProcess("sh", ["-c", script], { cwd: tiny.folder, env: own });
}
