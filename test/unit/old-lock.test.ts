/** A lock that somebody else has written: what its schema refuses reaches no path and no TypeError. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { readOldLock } from "../../offline-bundle/old-lock.ts";
import { obtain, storedPath } from "../../offline-bundle/store.ts";
import { isVouched } from "../../offline-bundle/vouching.ts";
import type { Want, WantedEntry } from "../../offline-bundle/want.ts";
import { cachePath } from "../lab/cache.ts";
import { refused } from "../support/refused.ts";
import { undoAfter } from "../support/undo.ts";

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "old-lock-"));
  undo(() => rm(folder, { recursive: true }));
});

const want: Want = {
  ...{ platforms: ["linux/amd64"], files: [], images: [], minOrigin: "agreement", confirmed: [] },
  ...{ mirrors: {}, problems: [] },
} as unknown as Want;

async function read(lock: object): ReturnType<typeof readOldLock> {
  const file = join(folder, "bundle.lock.yaml");
  const head = { format: 1, serial: 1, platforms: ["linux/amd64"], files: [] };
  await writeFile(file, JSON.stringify({ ...head, ...lock }));
  return readOldLock(file, want, () => false);
}

test("a lock with more faults than are kept is refused: what has none might not have been reached", async () => {
  const name = "docker.io/acme/unwanted:1";
  const digest = `sha256:${"1".repeat(64)}`;
  const first = {
    name,
    digest,
    platforms: Array.from({ length: 10_001 }, () => 7),
    sources: ["computed-here"],
  };
  const second = { name: "docker.io/acme/app:1", digest: "../../elsewhere", platforms: [], sources: [] };
  const problems = await refused(read({ images: [first, second] }));
  assert.equal(problems.length, 100);
  assert.match(problems[0]?.subject ?? "", /^images\.0\.platforms/);
  const files = Array.from({ length: 10_001 }, () => 7);
  for (const images of [7, [null]]) assert.equal((await refused(read({ files, images }))).length, 100);
  // Fewer of them in what is not wanted are let go, and the wrong digest is seen.
  const { lock, whole } = await read({ images: [{ ...first, platforms: [7] }, second] });
  assert.deepEqual([lock.images, whole], [[], false]);
});

test("no list and no entry of a lock is a fault of the program", async () => {
  assert.deepEqual((await read({ images: [null] })).lock.images, []);
  for (const images of [7, null, "all", { 0: {} }])
    assert.equal((await refused(read({ images })))[0]?.subject, "images", JSON.stringify(images));
});

test("what is no sha256 is no part of a path in the store", async () => {
  const outside = join(folder, "outside");
  await mkdir(join(outside), { recursive: true });
  await writeFile(join(outside, "tool"), "mine");
  const store = join(folder, "store");
  for (const sha256 of ["../outside", "", "A".repeat(64), `${"a".repeat(64)}\n`]) {
    assert.throws(() => storedPath(store, sha256, "tool"), /E_VALUE/, sha256);
    const asked = isVouched({} as WantedEntry, { sha256 }, { store });
    assert.equal((await refused(asked))[0]?.code, "E_VALUE", sha256);
    const got = obtain(new URL("https://localhost/tool"), store, sha256, () => undefined);
    assert.equal((await refused(got))[0]?.code, "E_VALUE", sha256);
  }
  assert.equal(storedPath("/store", "a".repeat(64), "tool"), `/store/${"a".repeat(64)}/tool`);
});
