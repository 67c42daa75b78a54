import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { stringify } from "yaml";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { readContents } from "../../offline-bundle/oci/contents.ts";
import { diffContents, isSame } from "../../offline-bundle/diff.ts";
import { inspectBundle } from "../../offline-bundle/inspect.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { type LockedFile, readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { codesOf } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle, tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
/** Built from the same inputs, with another compose for one platform, and without the image. */
let next: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  next = await newerBundle();
});

test("inspect lists files, images and totals; signers only if it was verified", async () => {
  const bundle = await inspectBundle(tiny.directory);
  assert.deepEqual([bundle.serial, bundle.signers, bundle.signatures.length], [1, undefined, 1]);
  assert.match(bundle.signatures[0]?.fingerprint ?? "", /^SHA256:/);
  assert.equal(bundle.files.length, 4);
  assert.ok(bundle.files.every(({ bytes }) => bytes !== undefined && bytes > 0));
  const [image] = bundle.images;
  assert.equal(image?.name, tinyImage);
  assert.ok(image.bytes !== undefined && image.bytes > 100 && image.bytes < bundle.bytes);
  const verified = await inspectBundle(tiny.directory, tiny);
  assert.deepEqual([verified.signers, verified.accepted], [["lab@sealift"], undefined]);
  assert.ok(Math.abs(Date.now() - verified.written.getTime()) < 3_600_000);
  await acceptBundle(tiny.directory, tiny);
  assert.equal((await inspectBundle(tiny.directory, tiny)).accepted?.serial, 1);
});

test("inspect refuses what is no bundle, is signed by an unknown key, or cannot be read", async () => {
  assert.deepEqual(await codesOf(inspectBundle(tiny.folder)), ["E_BUNDLE_MISSING"]);
  const copy = await copyOf(tiny);
  await rm(join(copy, inside.signature));
  assert.equal((await inspectBundle(copy)).signatures.length, 0);
  assert.deepEqual(await codesOf(inspectBundle(copy, tiny)), ["E_BUNDLE_UNSIGNED"]);
  await writeFile(join(copy, inside.index), "{");
  assert.deepEqual(await codesOf(inspectBundle(copy)), ["E_BUNDLE_DIGEST"]);
});

test("what differs between two bundles, and the bytes to transfer", async () => {
  const [a, b] = await Promise.all([readContents(tiny.directory), readContents(next.directory)]);
  const { serial, items, carry } = diffContents(a, b);
  assert.deepEqual(serial, { from: 1, to: 2 });
  assert.deepEqual(
    items.map(({ change, kind, item }) => [change, kind, item]),
    [
      ["changed", "file", "compose linux/amd64"],
      ["changed", "file", "compose linux/arm64"],
      ["removed", "image", tinyImage],
    ],
  );
  const details = items[0]?.details.map(({ what, from, to }) => [what, from, to]);
  assert.deepEqual(details?.slice(0, 2), [
    ["version", "5.5.1", "5.5.2"],
    ["bytes", 18, 21],
  ]);
  const fresh = [...(b.packed?.blobs ?? [])].filter(([sha256]) => a.packed?.blobs.has(sha256) !== true);
  assert.equal(
    carry?.bytes,
    fresh.reduce((sum, [, bytes]) => sum + bytes, 0),
  );
  // Two programs and their two manifests; everything else is there already.
  assert.equal(carry.blobs, 4);
  const back = diffContents(b, a);
  assert.equal(back.items.at(-1)?.change, "added");
});

test("equal bundles have no difference; a lock alone does not say what to transfer", async () => {
  const [bundle, lock] = await Promise.all([readContents(tiny.directory), readContents(tiny.lockFile)]);
  assert.ok(isSame(diffContents(bundle, bundle)));
  const mixed = diffContents(lock, bundle);
  assert.ok(isSame(mixed));
  assert.equal(mixed.carry, undefined);
});

test("versions side by side, licences, sources and members are listed one by one", async () => {
  const lock = await readLock(tiny.lockFile);
  const [docker, ...others] = lock.files;
  assert.ok(docker?.members !== undefined);
  const [dockerd] = docker.members;
  assert.ok(dockerd !== undefined);
  const changed: LockedFile = {
    ...docker,
    licence: "MIT",
    sources: ["a/b x", "c/d y"],
    members: [
      { ...dockerd, sha256: "0".repeat(64) },
      { path: "docker/ctr", bytes: 1, sha256: "1".repeat(64) },
    ],
  };
  const lockFile = join(tiny.folder, "other.yaml");
  await writeLock(lockFile, { ...lock, files: [changed, { ...docker, version: "29.0.0" }, ...others] });
  const { items } = diffContents(await readContents(tiny.lockFile), await readContents(lockFile));
  assert.deepEqual(
    items.map(({ change, item }) => `${change} ${item}`),
    ["added docker 29.0.0 linux/amd64", "changed docker 28.5.2 linux/amd64"],
  );
  assert.deepEqual(items[1]?.details, [
    { what: "licence", from: "Apache-2.0", to: "MIT" },
    { what: "sources", from: "computed-here", to: "a/b x, c/d y" },
  ]);
  assert.deepEqual(items[1].members, {
    added: ["docker/ctr"],
    removed: ["docker/runc"],
    changed: ["docker/dockerd"],
  });
});

async function newerBundle(): Promise<TinyBundle> {
  const bundleFile = join(tiny.folder, "next.yaml");
  const expected = (await readFile(tiny.bundleFile, "utf8"))
    .replace("5.5.1", "5.5.2")
    .replace("compose-{arch}", "compose-{version}-{arch}");
  await writeFile(bundleFile, expected.replace(/^images:[^]*$/m, stringify({ images: [] })));
  for (const arch of ["amd64", "arm64"])
    await writeFile(join(tiny.folder, `compose-5.5.2-${arch}`), `compose 2 for ${arch} \n`);
  const lockFile = join(tiny.folder, "next.lock.yaml");
  await writeLock(lockFile, await readLock(tiny.lockFile));
  const made = { ...tiny, bundleFile, lockFile, directory: join(tiny.folder, "next") };
  await lockBundle(made);
  await buildBundle(made);
  return made;
}
