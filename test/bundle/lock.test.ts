import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { membersOf } from "../../offline-bundle/upstream/members.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { makeTinyInputs, type TinyBundle, tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { writeTgz } from "../support/fixtures/tgz.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyInputs();
  undo(() => tiny.remove());
});
beforeEach(() => rm(tiny.lockFile, { force: true }));

test("a first lock pins length, sha256 and members of everything, and says who computed it", async () => {
  const { lock, changes, written } = await lockBundle(tiny);
  assert.equal(written, true);
  assert.equal(lock.serial, 1);
  assert.deepEqual([...new Set(changes.map(({ change }) => change))], ["added"]);
  const [engine] = lock.files;
  const text = await readFile(join(tiny.folder, "docker-amd64-28.5.2.tgz"));
  assert.equal(engine?.sha256, createHash("sha256").update(text).digest("hex"));
  assert.equal(engine.bytes, text.length);
  assert.deepEqual(engine.sources, ["computed-here"]);
  assert.deepEqual(engine.members?.[1], {
    path: "docker/runc",
    bytes: 15,
    sha256: createHash("sha256").update("runc for amd64\n").digest("hex"),
  });
  assert.deepEqual(lock.images[0]?.platforms, ["linux/amd64", "linux/arm64"]);
  assert.deepEqual(await readLock(tiny.lockFile), lock);
});

test("locking again changes nothing, not even the file", async () => {
  await lockBundle(tiny);
  const text = await readFile(tiny.lockFile, "utf8");
  const { changes, written } = await lockBundle(tiny);
  assert.equal(written, false);
  assert.deepEqual([...new Set(changes.map(({ change }) => change))], ["checked"]);
  assert.equal(await readFile(tiny.lockFile, "utf8"), text);
});

test("a pin keeps its sources and gets its members filled in; the serial grows", async () => {
  const { lock } = await lockBundle(tiny);
  const sources = ["one place", "another place"];
  const bare = lock.files.map(({ name, version, platform, kind, url, sha256, licence }) => ({
    ...{ name, version, platform, kind, url, sha256, licence },
    sources,
  }));
  await writeLock(tiny.lockFile, { ...lock, serial: 41, files: bare });
  const filled = await lockBundle(tiny);
  assert.equal(filled.lock.serial, 42);
  assert.deepEqual(
    filled.lock.files,
    lock.files.map((file) => ({ ...file, sources })),
  );
  assert.equal(filled.changes[0]?.change, "filled");
});

test("bytes that differ from their pin are refused, all of them at once, and the lock stays", async () => {
  await lockBundle(tiny);
  const text = await readFile(tiny.lockFile, "utf8");
  for (const name of ["compose-amd64", "compose-arm64"]) await appendFile(join(tiny.folder, name), "!");
  const problems = await assertRefused(lockBundle(tiny));
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["E_PIN_MISMATCH", "E_PIN_MISMATCH"],
  );
  assert.equal(await readFile(tiny.lockFile, "utf8"), text);
  for (const arch of ["amd64", "arm64"])
    await writeFile(join(tiny.folder, `compose-${arch}`), `compose for ${arch}\n`);
});

test("a tag that has moved in a local layout is refused", async () => {
  const { lock } = await lockBundle(tiny);
  const images = lock.images.map((image) => ({ ...image, digest: `sha256:${"0".repeat(64)}` }));
  await writeLock(tiny.lockFile, { ...lock, images });
  const [problem] = await assertRefused(lockBundle(tiny));
  assert.equal(problem?.code, "E_PIN_MISMATCH");
  assert.equal(problem.where, tinyImage);
});

test("what bundle.yaml no longer names is removed from the lock", async () => {
  await lockBundle(tiny);
  const bundleFile = join(tiny.folder, "fewer.yaml");
  const text = await readFile(tiny.bundleFile, "utf8");
  await writeFile(bundleFile, text.replace(/^images:[^]*$/m, ""));
  const { lock, changes } = await lockBundle({ ...tiny, bundleFile });
  assert.equal(lock.serial, 2);
  assert.deepEqual(lock.images, []);
  assert.deepEqual(changes.at(-1), { item: tinyImage, change: "removed" });
});

test("a file without a pin that cannot be read, and an image that does not exist, are refused", async () => {
  const bundleFile = join(tiny.folder, "absent.yaml");
  const text = await readFile(tiny.bundleFile, "utf8");
  await writeFile(bundleFile, text.replace("file:compose-", "file:nothing-").replace("hello:1", "hello:2"));
  const problems = await assertRefused(lockBundle({ ...tiny, bundleFile }));
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["E_DOWNLOAD", "E_DOWNLOAD", "E_DOWNLOAD"],
  );
});

test("every mistake in bundle.yaml is reported with its line", async () => {
  const bundleFile = join(tiny.folder, "wrong.yaml");
  await writeFile(
    bundleFile,
    `platforms: [linux/amd64, linux/riscv64]
files:
  - name: Docker
    kind: engine
    versions: [29.0, 28.5.2]
    url: ftp://example.com/docker.tgz
    licens: Apache-2.0
`,
  );
  const problems = await assertRefused(lockBundle({ ...tiny, bundleFile }));
  assert.deepEqual(
    problems.map(({ where, code, subject }) => `${where.replace(/^.*yaml:/, "")} ${code} ${subject}`).sort(),
    [
      "1:26 E_VALUE platforms[1]",
      "7:5 E_KEY_UNKNOWN files[0].licens",
      "3:11 E_VALUE files[0].name",
      "5:16 E_TYPE files[0].versions[0]",
      "6:10 E_VALUE files[0].url",
    ].sort(),
  );
});

test("a duplicate file in bundle.yaml is refused", async () => {
  const bundleFile = join(tiny.folder, "twice.yaml");
  const text = await readFile(tiny.bundleFile, "utf8");
  await writeFile(bundleFile, text.replace("name: compose", "name: docker").replace("5.5.1", "28.5.2"));
  assert.deepEqual(await codesOf(lockBundle({ ...tiny, bundleFile })), ["E_DUPLICATE"]);
});

test("an archive that is invalid, or that reaches out of its folder, is refused", async () => {
  const path = join(tiny.folder, "evil.tgz");
  await writeFile(path, "not a tarball");
  assert.deepEqual(await codesOf(membersOf(path)), ["E_ARCHIVE"]);
  await writeTgz([{ path: "../etc/passwd", content: "root" }], createWriteStream(path));
  assert.deepEqual(await codesOf(membersOf(path)), ["E_ARCHIVE"]);
});
