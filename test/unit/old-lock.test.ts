/** A lock written by others: what its schema refuses reaches no path and causes no TypeError. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { readOldLock } from "../../offline-bundle/locking/old-lock.ts";
import { fetchToCache, downloadPath } from "../../offline-bundle/fetching/download-cache.ts";
import { isAttested } from "../../offline-bundle/locking/attestation.ts";
import type { BundleSpec, FileSourceSpec } from "../../offline-bundle/spec/bundle-spec.ts";
import { cachePath } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "old-lock-"));
  undo(() => rm(folder, { recursive: true }));
});

const spec: BundleSpec = {
  ...{ platforms: ["linux/amd64"], files: [], images: [], minOrigin: "agreement", confirmed: [] },
  ...{ mirrors: {}, problems: [] },
} as unknown as BundleSpec;

async function read(lock: object): ReturnType<typeof readOldLock> {
  const file = join(folder, "bundle.lock.yaml");
  const head = { format: 1, serial: 1, platforms: ["linux/amd64"], files: [] };
  await writeFile(file, JSON.stringify({ ...head, ...lock }));
  return readOldLock(file, spec, () => false);
}

test("a lock with more faults than are kept is refused: entries without one may not have been reached", async () => {
  const name = "docker.io/acme/unwanted:1";
  const digest = `sha256:${"1".repeat(64)}`;
  const first = {
    name,
    digest,
    platforms: Array.from({ length: 10_001 }, () => 7),
    sources: ["computed-here"],
  };
  const second = { name: "docker.io/acme/app:1", digest: "../../elsewhere", platforms: [], sources: [] };
  const problems = await assertRefused(read({ images: [first, second] }));
  assert.equal(problems.length, 100);
  assert.match(problems[0]?.subject ?? "", /^images\[0\]\.platforms/);
  const files = Array.from({ length: 10_001 }, () => 7);
  for (const images of [7, [null]]) assert.equal((await assertRefused(read({ files, images }))).length, 100);
  // Too few of them in an image that is not requested are accepted; the wrong digest is found.
  const { lock, complete } = await read({ images: [{ ...first, platforms: [7] }, second] });
  assert.deepEqual([lock.images, complete], [[], false]);
});

test("no list and no entry of a lock crashes the program", async () => {
  assert.deepEqual((await read({ images: [null] })).lock.images, []);
  for (const images of [7, null, "all", { 0: {} }])
    assert.equal((await assertRefused(read({ images })))[0]?.subject, "images", JSON.stringify(images));
});

test("a value that is no sha256 never becomes part of a path in the cache", async () => {
  const outside = join(folder, "outside");
  await mkdir(join(outside), { recursive: true });
  await writeFile(join(outside, "tool"), "mine");
  const store = join(folder, "store");
  for (const sha256 of ["../outside", "", "A".repeat(64), `${"a".repeat(64)}\n`]) {
    assert.throws(() => downloadPath(store, sha256, "tool"), /E_VALUE/, sha256);
    const attested = isAttested({} as FileSourceSpec, { sha256 }, { store });
    assert.equal((await assertRefused(attested))[0]?.code, "E_VALUE", sha256);
    const found = fetchToCache(new URL("https://localhost/tool"), store, sha256, () => undefined);
    assert.equal((await assertRefused(found))[0]?.code, "E_VALUE", sha256);
  }
  assert.equal(downloadPath("/store", "a".repeat(64), "tool"), `/store/${"a".repeat(64)}/tool`);
});
