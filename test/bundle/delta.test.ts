import assert from "node:assert/strict";
import { cp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { buildBundle } from "../../offline-bundle/build.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { inventoryOfBundle } from "../../offline-bundle/inventory.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyArchive, verifyBundle, type VerifyOptions } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { lyingMedium } from "../support/fixtures/lying-medium.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
/** Serial 2: another compose, everything else as in serial 1. */
let next: string;
let have: string;
let file: string;
let trust: VerifyOptions;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(300_000);
  undo(() => tiny.remove());
  trust = { allowedSigners: tiny.allowedSigners };
  const { inventory } = await inventoryOfBundle(tiny.directory);
  have = join(tiny.folder, "inventory.json");
  await writeFile(have, JSON.stringify(inventory));
  for (const arch of ["amd64", "arm64"])
    await writeFile(join(tiny.folder, `compose-${arch}`), `newer ${arch}\n`);
  const bundleFile = join(tiny.folder, "next.yaml");
  await writeFile(bundleFile, (await readFile(tiny.bundleFile, "utf8")).replace("5.5.1", "5.5.2"));
  const lockFile = join(tiny.folder, "next.lock.yaml");
  await cp(tiny.lockFile, lockFile);
  await lockBundle({ ...tiny, bundleFile, lockFile });
  next = join(tiny.folder, "next");
  await buildBundle({ ...tiny, bundleFile, lockFile, directory: next });
  file = join(tiny.folder, "delta.tar.zst");
});

test("a delta has what is new, and becomes the whole bundle on its base", async () => {
  const full = await packBundle(next, { file: join(tiny.folder, "whole.tar.zst") });
  const delta = await packBundle(next, { file, have });
  assert.equal(delta.blobs + delta.left, full.blobs);
  assert.ok(delta.left > 0 && delta.bytes < full.bytes / 10, `${delta.bytes} of ${full.bytes}`);
  const { needs, serial } = await verifyArchive(file, trust);
  assert.equal(serial, 2);
  assert.deepEqual(needs, {
    base: { bundle: "bundle", serial: 1 },
    blobs: delta.left,
    bytes: delta.leftBytes,
  });
  const directory = join(tiny.folder, "merged");
  await unpackBundle(file, directory, { ...trust, base: tiny.directory });
  assert.deepEqual(await folderListing(directory), await folderListing(next));
  await verifyBundle(directory, trust);
});

test("a split delta does the same, and so does a base on the way to a third bundle", async () => {
  const { files } = await packBundle(next, { file, have, splitBytes: 1_000 });
  assert.ok(files.length > 3);
  const first = join(tiny.folder, "merged-first");
  await unpackBundle(`${file}.parts.json`, first, { ...trust, base: tiny.directory });
  const second = join(tiny.folder, "merged-second");
  await unpackBundle(`${file}.001`, second, { ...trust, base: first });
  await verifyBundle(second, trust);
});

test("blobs of the base are copied: a user who can write to the base cannot reach the copies", async () => {
  await packBundle(next, { file, have });
  const directory = join(tiny.folder, "copied");
  await unpackBundle(file, directory, { ...trust, base: tiny.directory });
  const inodes = async (folder: string): Promise<readonly number[]> => {
    const names = await readdir(join(folder, inside.blobs));
    return Promise.all(names.map(async (name) => (await stat(join(folder, inside.blobs, name))).ino));
  };
  const old = await inodes(tiny.directory);
  assert.ok(!(await inodes(directory)).some((inode) => old.includes(inode)));
});

test("a link in a base is not followed: its target is not copied", async () => {
  await packBundle(next, { file, have });
  const base = join(tiny.folder, "linked");
  await cp(tiny.directory, base, { recursive: true });
  const blobs = join(base, inside.blobs);
  for (const name of await readdir(blobs)) {
    // The right bytes, even: a link in a bundle is none of its files.
    await rename(join(blobs, name), join(tiny.folder, `aside-${name}`));
    await symlink(join(tiny.folder, `aside-${name}`), join(blobs, name));
  }
  assert.deepEqual(await codesOf(unpackBundle(file, join(tiny.folder, "unlinked"), { ...trust, base })), [
    "E_BUNDLE_BASE",
  ]);
});

test("a base that is right when it is checked, and has other bytes when it is opened, is refused", async () => {
  await packBundle(next, { file, have });
  const lie = join(tiny.folder, "lying");
  await cp(tiny.directory, lie, { recursive: true });
  for (const name of await readdir(join(lie, inside.blobs))) await flipBit(join(lie, inside.blobs, name));
  const medium = lyingMedium(tiny.directory, lie, 0);
  const never = unpackBundle(file, join(tiny.folder, "lied"), { ...trust, base: tiny.directory });
  assert.deepEqual(await codesOf(never.finally(medium.end)), ["E_BUNDLE_BASE"]);
});

test("without a base, or on one with missing or broken blobs, what is missing is named", async () => {
  const { left } = await packBundle(next, { file, have });
  const directory = join(tiny.folder, "never");
  const [none] = await assertRefused(unpackBundle(file, directory, trust));
  assert.equal(none?.code, "E_BUNDLE_BASE");
  assert.match(none.subject, new RegExp(`^${left} blobs, \\d+ bytes$`));
  assert.match(none.expected, /^bundle serial 1,/);

  const { sha256: name } = await digestOf(join(tiny.folder, "ballast"));
  for (const damage of [(path: string) => rm(path), (path: string) => flipBit(path)]) {
    const base = join(tiny.folder, "base");
    await cp(tiny.directory, base, { recursive: true });
    await damage(join(base, inside.blobs, name));
    const [problem] = await assertRefused(unpackBundle(file, directory, { ...trust, base }));
    assert.equal(problem?.code, "E_BUNDLE_BASE");
    assert.equal(problem.found, `the base lacks ${name}`);
    await rm(base, { recursive: true });
  }
  assert.ok(!(await readdir(tiny.folder)).some((one) => one.startsWith("never")));
});

test("an inventory leaves out broken blobs, so that a delta contains them", async () => {
  const base = join(tiny.folder, "damaged");
  await cp(tiny.directory, base, { recursive: true });
  const all = (await inventoryOfBundle(base)).inventory.digests;
  const [name = ""] = all;
  await flipBit(join(base, inside.blobs, name));
  const { inventory, broken } = await inventoryOfBundle(base);
  assert.deepEqual(broken, [name]);
  assert.deepEqual([...inventory.digests, name].sort(), all);
});

test("an invalid inventory is refused", async () => {
  const wrong = join(tiny.folder, "wrong.json");
  await writeFile(wrong, '{"format":1,"digests":["../../etc"]}');
  assert.deepEqual(await codesOf(packBundle(next, { file, have: wrong })), ["E_VALUE"]);
  const absent = join(tiny.folder, "absent.json");
  assert.deepEqual(await codesOf(packBundle(next, { file, have: absent })), ["E_BUNDLE_MISSING"]);
});
