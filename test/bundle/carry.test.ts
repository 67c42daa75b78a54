import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import type { PartIndex } from "../../offline-bundle/archive/part-index.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(300_000);
  undo(() => tiny.remove());
});

test("the same bundle gives the same bytes, and tar and zstd can read them", async () => {
  const [first, second] = [join(tiny.folder, "first.tar.zst"), join(tiny.folder, "second.tar.zst")];
  const carried = await packBundle(tiny.directory, { file: first });
  await packBundle(await copyOf(tiny), { file: second });
  const bytes = await readFile(first);
  assert.deepEqual(await readFile(second), bytes);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), carried.sha256);
  const names = execFileSync("tar", ["--zstd", "-tf", first], { encoding: "utf8" }).trim().split("\n");
  const head = [inside.manifest, inside.signature, inside.marker, inside.index, inside.lock];
  assert.deepEqual(names.slice(0, head.length), head);
  assert.equal(names.length, head.length + (await readdir(join(tiny.directory, inside.blobs))).length);
});

test("parts of any size form the whole, and their list says so", async () => {
  const file = join(tiny.folder, "split.tar.zst");
  const complete = await packBundle(tiny.directory, { file });
  const bytes = await readFile(file);
  for (const splitBytes of [100_000, 99_991, complete.bytes - 1, complete.bytes, complete.bytes + 1]) {
    const { files } = await packBundle(tiny.directory, { file, splitBytes });
    const index = JSON.parse(await readFile(`${file}.parts.json`, "utf8")) as PartIndex;
    const parts = await Promise.all(index.parts.map(({ name }) => readFile(join(tiny.folder, name))));
    assert.ok(Buffer.concat(parts).equals(bytes), String(splitBytes));
    assert.deepEqual(
      parts.map(({ length }) => length),
      index.parts.map((part) => part.bytes),
    );
    assert.ok(parts.slice(0, -1).every(({ length }) => length === splitBytes));
    assert.equal(index.archive.sha256, complete.sha256);
    // Nothing of an earlier run is left beside it.
    const there = (await readdir(tiny.folder)).filter((name) => name.startsWith("split.tar.zst"));
    assert.deepEqual(there.sort(), files.map((path) => basename(path)).sort());
  }
});

test("a broken directory is not packed, and leaves nothing", async () => {
  const file = join(tiny.folder, "broken.tar.zst");
  const names = await readdir(join(tiny.directory, inside.blobs));
  const blobs = names.map((name) => join(inside.blobs, name));
  for (const name of [...blobs, inside.index, inside.lock]) {
    const copy = await copyOf(tiny);
    await flipBit(join(copy, name));
    assert.deepEqual(await codesOf(packBundle(copy, { file })), ["E_BUNDLE_DIGEST"], name);
  }
  const missing = await copyOf(tiny);
  await rm(join(missing, inside.blobs, names[0] ?? ""));
  assert.deepEqual(await codesOf(packBundle(missing, { file })), ["E_BUNDLE_INCOMPLETE"]);
  assert.deepEqual(await codesOf(packBundle(tiny.folder, { file })), ["E_BUNDLE_MISSING"]);
  const left = (await readdir(tiny.folder)).filter((name) => name.startsWith("broken"));
  assert.deepEqual(left, []);
});

test("only an archive is overwritten, and only files of that name are created", async () => {
  const foreign = join(tiny.folder, "photos.tar.zst");
  await writeFile(foreign, "something of value");
  assert.deepEqual(await codesOf(packBundle(tiny.directory, { file: foreign })), ["E_VALUE"]);
  assert.equal(await readFile(foreign, "utf8"), "something of value");
  for (const name of ["bundle.tar", "absent/bundle.tar.zst"]) {
    assert.deepEqual(await codesOf(packBundle(tiny.directory, { file: join(tiny.folder, name) })), [
      "E_VALUE",
    ]);
  }
  const file = join(tiny.folder, "many.tar.zst");
  const [problem] = await assertRefused(packBundle(tiny.directory, { file, splitBytes: 100 }));
  assert.equal(problem?.subject, "--split");
});
