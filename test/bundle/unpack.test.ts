import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyArchive, verifyBundle } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";

let tiny: TinyBundle;
/** The same lock with another serial: another bundle of the same length. */
let other: string;
/** Of the same length too, and no part of it is as one of the first: its largest file has other bytes. */
let foreign: TinyBundle;
before(async () => {
  tiny = await makeTinyBundle(300_000);
  foreign = await makeTinyBundle(300_000);
  other = join(tiny.folder, "other");
  const lockFile = join(tiny.folder, "other.lock.yaml");
  await writeLock(lockFile, { ...(await readLock(tiny.lockFile)), serial: 2 });
  await buildBundle({ ...tiny, lockFile, directory: other });
});
after(() => Promise.all([tiny.remove(), foreign.remove()]));

const splitBytes = 70_001;

test("what is unpacked is what was packed, from one file, its parts, their list or the name of all", async () => {
  const folder = await fresh();
  const archive = join(folder, "bundle.tar.zst");
  await packBundle(tiny.directory, { file: archive });
  await same(archive);
  const file = join(folder, "split.tar.zst");
  await packBundle(tiny.directory, { file, splitBytes });
  for (const name of [`${file}.parts.json`, `${file}.001`, file]) await same(name);

  async function same(name: string): Promise<void> {
    const checked = await verifyArchive(name, tiny);
    assert.deepEqual([checked.serial, checked.signer, checked.needs], [1, "lab@sealift", undefined]);
    const directory = join(folder, "unpacked");
    const bundle = await unpackBundle(name, directory, tiny);
    assert.deepEqual(await folderListing(directory), await folderListing(tiny.directory));
    assert.deepEqual([bundle.blobs, bundle.bytes], [checked.blobs, checked.bytes]);
    const engine = bundle.engine("28.5.2", "arm64");
    assert.equal((await stat(engine?.path ?? "")).size, engine?.bytes);
    await verifyBundle(directory, tiny);
  }
});

test("the remains of an interrupted run are replaced, another directory is not", async () => {
  const folder = await fresh();
  const file = join(folder, "bundle.tar.zst");
  await packBundle(tiny.directory, { file });
  const directory = join(folder, "bundle");
  await mkdir(join(`${directory}.part`, inside.blobs), { recursive: true });
  await writeFile(join(`${directory}.part`, inside.manifest), "half of it");
  await unpackBundle(file, directory, tiny);
  await unpackBundle(file, directory, tiny);
  assert.deepEqual((await readdir(folder)).sort(), ["bundle", "bundle.tar.zst"]);
  await writeFile(join(folder, "letter"), "mine");
  assert.deepEqual(await codesOf(unpackBundle(file, folder, tiny)), ["E_VALUE"]);
});

test("a part that is missing, truncated, too long, swapped or of another bundle is named", async () => {
  const folder = await fresh();
  const file = join(folder, "bundle.tar.zst");
  const elsewhere = join(folder, "elsewhere.tar.zst");
  const cases: Readonly<Record<string, () => Promise<void>>> = {
    missing: () => rm(`${file}.003`),
    cut: () => truncate(`${file}.003`, 70_000),
    longer: () => writeFile(`${file}.003`, "x", { flag: "a" }),
    "of another bundle": () => copyFile(`${elsewhere}.003`, `${file}.003`),
    "one bit wrong": () => flipBit(`${file}.003`),
    swapped: async () => {
      await rename(`${file}.003`, `${file}.swap`);
      await rename(`${file}.002`, `${file}.003`);
      await rename(`${file}.swap`, `${file}.002`);
    },
  };
  for (const [what, damage] of Object.entries(cases)) {
    await packBundle(tiny.directory, { file, splitBytes });
    await packBundle(foreign.directory, { file: elsewhere, splitBytes });
    await damage();
    for (const work of both(file, folder)) {
      const problems = await assertRefused(work());
      assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_BUNDLE_PART"], what);
      assert.match(problems.at(-1)?.subject ?? "", /^bundle\.tar\.zst\.003 \(part 3 of \d\)$/, what);
      if (what === "swapped") assert.equal(problems.at(-1)?.found, "the bytes of bundle.tar.zst.002");
    }
    await rm(`${file}.swap`, { force: true });
  }
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith("out")));
});

test("parts without their list, with that of another bundle, or with a broken one are refused", async () => {
  const folder = await fresh();
  const file = join(folder, "bundle.tar.zst");
  await packBundle(other, { file, splitBytes });
  const theirs = await readFile(`${file}.parts.json`, "utf8");
  await packBundle(tiny.directory, { file, splitBytes });
  const own = await readFile(`${file}.parts.json`, "utf8");
  const bundleManifest = /"manifest": "[0-9a-f]+"/;
  const lists = [
    own.replace(bundleManifest, bundleManifest.exec(theirs)?.[0] ?? ""),
    own.replace("bundle.tar.zst.002", "../bundle.tar.zst.002"),
    own.replace("bundle.tar.zst.002", "bundle.tar.zst.001"),
    own.slice(0, 100),
    "[]",
  ];
  for (const list of lists) {
    await writeFile(`${file}.parts.json`, list);
    for (const work of both(file, folder)) assert.deepEqual(await codesOf(work()), ["E_BUNDLE_PART"], list);
  }
  await rm(`${file}.parts.json`);
  assert.deepEqual(await codesOf(verifyArchive(`${file}.001`, tiny)), ["E_BUNDLE_PART"]);
});

test("one flipped bit anywhere in the file is refused, and nothing is left", async () => {
  const folder = await fresh();
  const original = join(folder, "original.tar.zst");
  const { bytes } = await packBundle(tiny.directory, { file: original });
  const file = join(folder, "bundle.tar.zst");
  const codes = new Set<string>();
  // The head of the stream, its first blocks, bytes that do not compress, and the checksum at its end.
  for (const at of [0, 4, 6, 20, 500, 2_000, Math.floor(bytes / 2), bytes - 20_000, bytes - 1]) {
    await copyFile(original, file);
    await flipBit(file, at * 8);
    for (const work of both(file, folder)) {
      const problems = await assertRefused(work());
      for (const { code, where } of problems) {
        codes.add(code);
        assert.ok(where.startsWith(file), where);
      }
    }
  }
  assert.ok(codes.has("E_ARCHIVE"), [...codes].join());
  for (const length of [0, 3, 1_000, bytes - 1]) {
    await copyFile(original, file);
    await truncate(file, length);
    for (const work of both(file, folder))
      assert.deepEqual(await codesOf(work()), ["E_ARCHIVE"], String(length));
  }
  await copyFile(original, file);
  await writeFile(file, "and more", { flag: "a" });
  for (const work of both(file, folder)) assert.deepEqual(await codesOf(work()), ["E_ARCHIVE"]);
  assert.deepEqual((await readdir(folder)).sort(), ["bundle.tar.zst", "original.tar.zst"]);
});

test("an unsigned bundle and one of another signer are refused before a blob is written", async () => {
  const folder = await fresh();
  const file = join(folder, "bundle.tar.zst");
  const unsigned = await copyOf(tiny);
  await rm(join(unsigned, inside.signature));
  await packBundle(unsigned, { file });
  for (const work of both(file, folder)) assert.deepEqual(await codesOf(work()), ["E_BUNDLE_UNSIGNED"]);
  await packBundle(tiny.directory, { file });
  const allowedSigners = join(folder, "nobody");
  await writeFile(allowedSigners, "");
  const untrusted = { ...tiny, allowedSigners };
  assert.deepEqual(await codesOf(verifyArchive(file, untrusted)), ["E_BUNDLE_SIGNATURE"]);
  assert.deepEqual(await codesOf(verifyArchive(join(folder, "absent.tar.zst"), tiny)), ["E_BUNDLE_MISSING"]);
});

test("an archive of another lock is refused", async () => {
  const folder = await fresh();
  const file = join(folder, "bundle.tar.zst");
  await packBundle(other, { file });
  const options = { ...tiny, lockFile: tiny.lockFile };
  assert.deepEqual(await codesOf(unpackBundle(file, join(folder, "out"), options)), ["E_LOCK_STALE"]);
  assert.deepEqual(await readdir(folder), ["bundle.tar.zst"]);
});

/** Unpacking and checking refuse the same things. */
function both(file: string, folder: string): readonly (() => Promise<unknown>)[] {
  const name = basename(file);
  const options = { allowedSigners: tiny.allowedSigners };
  return [
    () => verifyArchive(join(dirname(file), name), options),
    () => unpackBundle(file, join(folder, "out"), options),
  ];
}

let count = 0;
async function fresh(): Promise<string> {
  const folder = join(tiny.folder, `case-${(count += 1)}`);
  await mkdir(folder);
  return folder;
}
