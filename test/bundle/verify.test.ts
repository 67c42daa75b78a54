import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { rewriteManifest } from "../support/fixtures/rewrite-manifest.ts";
import { copyOf, makeTinyBundle, type TinyBundle, tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

test("a bundle as built is accepted, and its engine can be looked up", async () => {
  const { allowedSigners, lockFile, directory } = tiny;
  const bundle = await verifyBundle(directory, { allowedSigners, lockFile });
  assert.equal(bundle.signer, "lab@sealift");
  assert.equal(bundle.serial, 1);
  const engine = bundle.engine("28.5.2", "arm64");
  assert.ok(engine);
  assert.equal(engine.bytes, (await stat(engine.path)).size);
  assert.deepEqual(
    engine.members.map(({ path, bytes }) => ({ path, bytes })),
    [
      { path: "docker/dockerd", bytes: 18 },
      { path: "docker/runc", bytes: 15 },
    ],
  );
  assert.equal(bundle.engine("28.5.3", "arm64"), undefined);
  assert.deepEqual(
    bundle.engines().map(({ version, platform }) => `${version} ${platform}`),
    ["28.5.2 linux/amd64", "28.5.2 linux/arm64"],
  );
  const compose = bundle.file("compose", "5.5.1", "linux/amd64");
  assert.equal(await readFile(compose?.path ?? "", "utf8"), "compose for amd64\n");
});

test("a bundle can be moved", async () => {
  const moved = join(tiny.folder, "elsewhere");
  await rename(await copyOf(tiny), moved);
  const { signer } = await verifyBundle(moved, tiny);
  assert.equal(signer, "lab@sealift");
});

test("one flipped bit is refused, whatever file it is in", async () => {
  const lock = await readLock(tiny.lockFile);
  const bundleManifest = JSON.parse(await readFile(join(tiny.directory, inside.manifest), "utf8")) as {
    manifests: { digest: string }[];
  };
  const manifest = bundleManifest.manifests[0]?.digest.slice("sha256:".length) ?? "";
  const cases = [
    [join(inside.blobs, lock.files[0]?.sha256 ?? ""), "E_BUNDLE_DIGEST"],
    [join(inside.blobs, lock.images[0]?.digest.slice("sha256:".length) ?? ""), "E_BUNDLE_DIGEST"],
    [join(inside.blobs, manifest), "E_BUNDLE_DIGEST"],
    [inside.index, "E_BUNDLE_DIGEST"],
    [inside.marker, "E_BUNDLE_DIGEST"],
    [inside.lock, "E_BUNDLE_DIGEST"],
    [inside.signature, "E_BUNDLE_SIGNATURE"],
    [inside.manifest, "E_BUNDLE_SIGNATURE"],
  ] as const;
  for (const [file, code] of cases) {
    const copy = await copyOf(tiny);
    await flipBit(join(copy, file));
    const codes = await codesOf(verifyBundle(copy, tiny));
    assert.ok(codes.includes(code), `${file}: ${codes.join()}`);
    if (code === "E_BUNDLE_DIGEST") assert.deepEqual(codes, [code], file);
  }
});

test("a flipped bit in any other file of the bundle is refused too", async () => {
  for (const name of await readdir(join(tiny.directory, inside.blobs))) {
    const copy = await copyOf(tiny);
    await flipBit(join(copy, inside.blobs, name));
    assert.deepEqual(await codesOf(verifyBundle(copy, tiny)), ["E_BUNDLE_DIGEST"], name);
  }
});

test("a blob that is missing, shorter or unknown is refused by name", async () => {
  const [file] = (await readLock(tiny.lockFile)).files;
  assert.ok(file);
  const missing = await copyOf(tiny);
  await rm(join(missing, inside.blobs, file.sha256));
  const [problem] = await assertRefused(verifyBundle(missing, tiny));
  assert.equal(problem?.code, "E_BUNDLE_INCOMPLETE");
  assert.equal(problem.subject, "files/docker:28.5.2-linux-amd64");

  const shorter = await copyOf(tiny);
  await chmod(join(shorter, inside.blobs, file.sha256), 0o600);
  await truncate(join(shorter, inside.blobs, file.sha256), 10);
  assert.deepEqual(await codesOf(verifyBundle(shorter, tiny)), ["E_BUNDLE_DIGEST"]);

  const unreadable = await copyOf(tiny);
  await rm(join(unreadable, inside.blobs, file.sha256));
  await mkdir(join(unreadable, inside.blobs, file.sha256));
  assert.deepEqual(await codesOf(verifyBundle(unreadable, tiny)), ["E_BUNDLE_DIGEST"]);

  const more = await copyOf(tiny);
  // The sha256 of nothing: right by itself, but nobody signed it.
  await writeFile(
    join(more, inside.blobs, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "",
  );
  assert.deepEqual(await codesOf(verifyBundle(more, tiny)), ["E_BUNDLE_DIGEST"]);
});

test("everything that is wrong is reported at once, but nothing that nobody has signed", async () => {
  const copy = await copyOf(tiny);
  await flipBit(join(copy, inside.index));
  await flipBit(join(copy, inside.lock));
  const lockFile = join(tiny.folder, "nothing.yaml");
  const check = (): Promise<unknown> => verifyBundle(copy, { ...tiny, lockFile });
  assert.deepEqual(await codesOf(check()), ["E_BUNDLE_DIGEST", "E_LOCK_MISSING"]);
  await rm(join(copy, inside.signature));
  assert.deepEqual(await codesOf(check()), ["E_BUNDLE_UNSIGNED"]);
});

test("a bundle of another lock is refused, as is a checkout without one", async () => {
  const lockFile = join(tiny.folder, "other.lock.yaml");
  const text = await readFile(tiny.lockFile, "utf8");
  await writeFile(lockFile, text.replace("serial: 1", "serial: 2"));
  const [problem] = await assertRefused(verifyBundle(tiny.directory, { ...tiny, lockFile }));
  assert.equal(problem?.code, "E_LOCK_STALE");
  assert.match(problem.found, /^serial 2, /);
  const absent = { ...tiny, lockFile: join(tiny.folder, "absent.yaml") };
  assert.deepEqual(await codesOf(verifyBundle(tiny.directory, absent)), ["E_LOCK_MISSING"]);
});

test("a signed bundle that lacks what its own lock pins is refused", async () => {
  const copy = await copyOf(tiny);
  const lock = await readLock(tiny.lockFile);
  const index = JSON.parse(await readFile(join(copy, inside.index), "utf8")) as {
    manifests: { annotations: Record<string, string> }[];
  };
  const manifests = index.manifests.filter(
    ({ annotations }) =>
      !Object.values(annotations).some((ref) => ref.startsWith("docker.io/library/hello:")),
  );
  await writeFile(join(copy, inside.index), JSON.stringify({ ...index, manifests }));
  await rm(join(copy, inside.blobs, lock.images[0]?.digest.slice("sha256:".length) ?? ""));
  await rewriteManifest(copy, lock);
  await signBundle(copy, tiny.key);
  const problems = await assertRefused(verifyBundle(copy, tiny));
  assert.ok(problems.some(({ code, subject }) => code === "E_BUNDLE_INCOMPLETE" && subject === tinyImage));
});

test("a directory that is no bundle is refused", async () => {
  assert.deepEqual(await codesOf(verifyBundle(tiny.folder, tiny)), ["E_BUNDLE_MISSING"]);
});
