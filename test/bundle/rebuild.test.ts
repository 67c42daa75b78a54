/** A builder whose machine adds something: every signature is valid, and a second build of the same lock finds it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { rebuildAndCompare, type Rebuilt } from "../../offline-bundle/rebuild.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { sealift } from "../support/fixtures/bundle-verbs.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(3_000_000);
  undo(() => tiny.remove());
});

const rebuild = (compare: string, more: { keep?: string; store?: string } = {}): Promise<Rebuilt> =>
  rebuildAndCompare({ ...tiny, ...more, compare });

test("a second person with only the lock gets the same bytes, and leaves nothing behind", async () => {
  const store = join(tiny.folder, "second-person", "store");
  const { files, bytes, serial } = await rebuild(tiny.directory, { store });
  assert.equal(serial, 1);
  assert.ok(bytes > 3_000_000 && files > 10);
  assert.deepEqual(await readdir(join(tiny.folder, "second-person")), []);
  const keep = join(tiny.folder, "kept");
  await rebuild(tiny.directory, { keep });
  assert.ok((await readdir(keep)).includes(inside.manifest));
});

test("one changed byte anywhere is found, with its file and its place", async () => {
  const blobs = await readdir(join(tiny.directory, inside.blobs));
  for (const name of [
    inside.manifest,
    inside.index,
    inside.marker,
    `${inside.blobs}/${blobs.at(-1) ?? ""}`,
  ]) {
    const copy = await copyOf(tiny);
    await flipBit(join(copy, name));
    const [problem, ...more] = await assertRefused(rebuild(copy));
    assert.deepEqual([problem?.code, problem?.subject, more.length], ["E_BUNDLE_REBUILD", name, 0]);
    assert.match(problem?.found ?? "", /^a different byte at offset \d+$/);
  }
});

test("what a builder adds under a good signature is found, although verify accepts it", async () => {
  const copy = await copyOf(tiny);
  // A text of the same meaning with other bytes: room for a message, and a sign that another program has written it.
  await appendFile(join(copy, inside.manifest), " ");
  await rm(join(copy, inside.signature));
  await signBundle(copy, tiny.key);
  await verifyBundle(copy, tiny);
  const reported = (await assertRefused(rebuild(copy))).map(formatProblem);
  assert.equal(reported.length, 1);
  assert.match(
    reported[0] ?? "",
    /: E_BUNDLE_REBUILD sealift\.json: found: \d+ bytes; expected: the \d+ bytes that a build of this lock gives; fix: do not sign it/,
  );
});

test("an additional blob, a missing blob, a link and an extra file: each is reported, and nothing of it is read", async () => {
  const copy = await copyOf(tiny);
  const [first = "", second = ""] = await readdir(join(copy, inside.blobs));
  await rm(join(copy, inside.blobs, first));
  await rm(join(copy, inside.blobs, second));
  await symlink(join(tiny.directory, inside.blobs, second), join(copy, inside.blobs, second));
  const more = "f".repeat(64);
  await writeFile(join(copy, inside.blobs, more), "more");
  await writeFile(join(copy, "README"), "read me");
  const reported = (await assertRefused(rebuild(copy))).map(
    ({ code, subject, found }) => `${code} ${subject}: ${found}`,
  );
  assert.deepEqual(
    reported.sort(),
    [
      "E_BUNDLE_DIGEST README: a file",
      `E_BUNDLE_DIGEST ${second}: a symbolic link`,
      `E_BUNDLE_REBUILD ${inside.blobs}/${first}: no such file`,
      `E_BUNDLE_REBUILD ${inside.blobs}/${more}: 4 bytes`,
      `E_BUNDLE_REBUILD ${inside.blobs}/${second}: a symbolic link`,
    ].sort(),
  );
});

test("another lock than the reviewed one is reported before anything is built", async () => {
  const copy = await copyOf(tiny);
  await appendFile(join(copy, inside.lock), "# another\n");
  const store = join(tiny.folder, "never", "store");
  const [problem, ...more] = await assertRefused(rebuild(copy, { store }));
  assert.deepEqual([problem?.code, problem?.subject, more.length], ["E_BUNDLE_REBUILD", inside.lock, 0]);
  assert.ok(!existsSync(join(tiny.folder, "never")));
  const nothing = join(tiny.folder, "nothing");
  await mkdir(nothing);
  assert.deepEqual(await codesOf(rebuild(nothing)), ["E_BUNDLE_MISSING"]);
});

test("exit codes: 0 the same, 65 another byte, 66 no bundle", async () => {
  const rebuilt = (compare: string): ReturnType<typeof sealift> =>
    sealift("rebuild", "--compare", compare, "--file", tiny.bundleFile, "--lock", tiny.lockFile);
  const same = await rebuilt(tiny.directory);
  assert.equal(same.exitCode, 0, same.stderr);
  assert.match(same.stdout, /^same +\d+ files, 3\.0 MB, byte for byte; signatures are not compared$/m);
  const copy = await copyOf(tiny);
  const [name = ""] = await readdir(join(copy, inside.blobs));
  await flipBit(join(copy, inside.blobs, name));
  const other = await rebuilt(copy);
  assert.equal(other.exitCode, 65);
  assert.match(other.stderr, /E_BUNDLE_REBUILD blobs\/sha256\/\w{64}: found: a different byte at offset/);
  assert.equal((await rebuilt(join(tiny.folder, "absent"))).exitCode, 66);
  assert.ok((await readFile(join(copy, inside.manifest))).length > 0);
});

test("a bundle that is swapped between the comparison and the signature is not signed; the rebuilt text is", async () => {
  const share = await copyOf(tiny);
  const mine = join(tiny.folder, "mine");
  const { textSha256 } = await rebuild(share, { keep: mine });
  const bob = await ensureSigningKey(join(tiny.folder, "bob"), "bob@office");
  const sign = (): ReturnType<typeof sealift> => sealift("sign", share, "--as", mine, "--key", bob.file);
  const text = await readFile(join(share, inside.manifest));
  // Another bundle whose parts fit together, and whose meaning is the same: nothing but the comparison of the text finds it.
  await appendFile(join(share, inside.manifest), " ");
  const before = await readdir(share);
  const swapped = await sign();
  assert.equal(swapped.exitCode, 65, swapped.stderr);
  assert.match(
    swapped.stderr,
    new RegExp(`E_BUNDLE_REBUILD sealift\\.json: found: sha256 \\w{64}; expected: sha256 ${textSha256}`),
  );
  assert.deepEqual(await readdir(share), before);
  await writeFile(join(share, inside.manifest), text);
  const signed = await sign();
  assert.equal(signed.exitCode, 0, signed.stderr);
  assert.ok(
    signed.stdout.indexOf(`sha256 ${textSha256}`) < signed.stdout.indexOf("\nsigned "),
    signed.stdout,
  );
  assert.deepEqual(
    (await verifyBundle(share, { allowedSigners: bob.allowedSigners, minSignatures: 0 })).textSha256,
    textSha256,
  );
  assert.equal(
    (await sealift("sign", share, "--as", join(tiny.folder, "absent"), "--key", bob.file)).exitCode,
    66,
  );
});
