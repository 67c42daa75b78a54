import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { type Lock, type LockedFile, readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import type { Member } from "../../offline-bundle/upstream/members.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { makeTinyBundle, type TinyBundle, tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

test("the same lock gives the same bytes, including the signature", async () => {
  const again = join(tiny.folder, "again");
  await buildBundle({ ...tiny, directory: again });
  assert.deepEqual(await folderListing(again), await folderListing(tiny.directory));
});

test("a file's blob digest is its lock digest, and every manifest has a tag", async () => {
  const lock = await readLock(tiny.lockFile);
  const bundleManifest = JSON.parse(
    await readFile(join(tiny.directory, inside.manifest), "utf8"),
  ) as BundleManifest;
  const refs = bundleManifest.manifests.map(({ ref }) => ref);
  for (const { name, version, platform, sha256 } of lock.files) {
    const ref = `files/${name}:${version}-${platform.replace("/", "-")}`;
    assert.ok(refs.includes(ref), ref);
    assert.equal((await digestOf(join(tiny.directory, inside.blobs, sha256))).sha256, sha256);
  }
  const digests = bundleManifest.manifests.map(({ digest }) => digest);
  const image = bundleManifest.manifests.find(({ ref }) => ref === tinyImage);
  assert.equal(image?.digest, lock.images[0]?.digest);
  const { manifests } = JSON.parse(
    await oras(["manifest", "fetch", "--oci-layout-path", "."], [tinyImage], tiny.directory),
  ) as { manifests: { digest: string }[] };
  assert.equal(manifests.length, 2);
  for (const { digest } of manifests) assert.ok(digests.includes(digest), digest);
});

test("oras, which knows nothing about Sealift, extracts a file from it", async () => {
  const out = join(tiny.folder, "out");
  await mkdir(out);
  await oras(
    ["pull", "--no-tty", "--oci-layout-path", tiny.directory, "-o", out],
    ["files/compose:5.5.1-linux-arm64"],
    tiny.folder,
  );
  assert.equal(await readFile(join(out, "compose-arm64"), "utf8"), "compose for arm64\n");
});

test("an earlier bundle is replaced, anything else is left alone", async () => {
  const directory = join(tiny.folder, "replaced");
  await buildBundle({ ...tiny, directory });
  await rm(join(directory, inside.signature));
  await buildBundle({ ...tiny, directory });
  await verifyBundle(directory, tiny);
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, directory: join(tiny.folder, "key") })), ["E_VALUE"]);
  assert.ok((await readdir(join(tiny.folder, "key"))).includes("signing"));
});

test("a file that is not what the lock pins is refused, and nothing is left behind", async () => {
  const lock = await readLock(tiny.lockFile);
  const lockFile = join(tiny.folder, "wrong-pin.yaml");
  const files = lock.files.map((file) => ({
    ...file,
    sha256: file.sha256.replace(/^./, (c) => (c === "0" ? "1" : "0")),
  }));
  await writeLock(lockFile, { ...lock, files });
  const directory = join(tiny.folder, "never");
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, lockFile, directory })), ["E_PIN_MISMATCH"]);
  const key = join(tiny.folder, "no-such-key");
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, key, directory })), ["E_SIGNING_KEY"]);
  assert.deepEqual(
    (await readdir(tiny.folder)).filter((name) => name.startsWith("never")),
    [],
  );
});

test("a lock that is missing, or does not match bundle.yaml, is refused", async () => {
  const directory = join(tiny.folder, "never");
  const lockFile = join(tiny.folder, "absent.yaml");
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, lockFile, directory })), ["E_LOCK_MISSING"]);
  const text = await readFile(tiny.bundleFile, "utf8");
  const bundleFile = join(tiny.folder, "other.yaml");
  await writeFile(bundleFile, text.replace("5.5.1", "5.5.2"));
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, bundleFile, directory })), ["E_LOCK_STALE"]);
  await writeFile(bundleFile, text);
  await appendFile(bundleFile, "fils: []\nplatforms: [linux/amd64]\n");
  assert.deepEqual(await codesOf(buildBundle({ ...tiny, bundleFile, directory })), ["E_YAML"]);
});

test("length and members that somebody has written into a lock beside a true sha256 are compared with the bytes", async () => {
  const lock = await readLock(tiny.lockFile);
  const engine = lock.files.findIndex(({ kind }) => kind === "engine");
  const binary = lock.files.findIndex(({ kind }) => kind === "binary");
  const altered = (at: number, change: (file: LockedFile) => LockedFile): Lock => ({
    ...lock,
    files: lock.files.map((file, index) => (index === at ? change(file) : file)),
  });
  const forged = { path: "docker/dockerd", bytes: 5, sha256: "c".repeat(64) };
  const members = (change: (members: readonly Member[]) => readonly Member[]): Lock =>
    altered(engine, (file) => ({ ...file, members: change(file.members ?? []) }));
  const cases: readonly (readonly [Lock, RegExp])[] = [
    [
      altered(binary, (file) => ({ ...file, bytes: (file.bytes ?? 0) + 1 })),
      /compose .* bytes: found: \d+; expected: \d+, as recorded in the lock/,
    ],
    [
      members((all) => all.map((one) => (one.path === forged.path ? forged : one))),
      /docker\/dockerd: found: \d+ bytes, sha256 \w{64}; expected: 5 bytes, sha256 c{64}/,
    ],
    [
      members((all) => all.filter(({ path }) => path !== forged.path)),
      /docker\/dockerd: found: .*; expected: no such member/,
    ],
    [
      members((all) => [...all, { ...forged, path: "docker/more" }]),
      /docker\/more: found: no such member; expected: 5 bytes/,
    ],
  ];
  const lockFile = join(tiny.folder, "altered.lock.yaml");
  for (const [text, reported] of cases) {
    await writeLock(lockFile, text);
    const problems = await assertRefused(
      buildBundle({ ...tiny, lockFile, directory: join(tiny.folder, "altered") }),
    );
    assert.deepEqual(
      problems.map(({ code }) => code),
      ["E_PIN_MISMATCH"],
    );
    assert.match(problems.map(formatProblem).join(), reported);
  }
});
