import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readdirSync } from "node:fs";
import { before, test } from "node:test";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import {
  type AcceptedRecord,
  readAcceptedBundles,
  acceptedBundlesFile,
} from "../../offline-bundle/signing/accepted-bundles.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { codesOf } from "../support/assert/assert-refusal.ts";
import { rewriteManifest } from "../support/fixtures/rewrite-manifest.ts";
import { runProcess } from "../support/process/run-process.ts";
import { allow, builder, type Person, person } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let bob: Person;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bob = await person(tiny, "bob@site");
});

test("an accepted bundle is recorded beside the allowed signers, once, and again after further signatures", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const copy = await copyOf(tiny);
  const first = await acceptBundle(copy, { allowedSigners });
  assert.equal(first.receipt, `${allowedSigners}.accepted.json`);
  assert.equal(first.before, false);
  const [entry] = await readAcceptedBundles(first.receipt);
  assert.ok(entry !== undefined);
  assert.equal(entry.serial, 1);
  assert.equal(entry.manifestSha256, (await digestOf(join(copy, inside.manifest))).sha256);
  assert.equal(entry.lockSha256, (await digestOf(tiny.lockFile)).sha256);
  assert.deepEqual([entry.signers, entry.insecure], [["lab@sealift"], []]);
  assert.deepEqual(entry.keys, [await fingerprint(tiny.key)]);
  assert.match(entry.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(entry.by, /^[^@]+@[^@]+$/);

  assert.equal((await acceptBundle(copy, { allowedSigners })).before, true);
  assert.equal((await readAcceptedBundles(first.receipt)).length, 1);
  await signBundle(copy, bob.key);
  assert.deepEqual((await acceptBundle(copy, { allowedSigners })).accepted.signers, [
    "lab@sealift",
    "bob@site",
  ]);
  const both = [await fingerprint(tiny.key), await fingerprint(bob.key)].sort();
  assert.deepEqual((await readAcceptedBundles(first.receipt)).at(-1)?.keys, both);
  assert.deepEqual((await readAcceptedBundles(first.receipt))[0], entry);
  assert.deepEqual(readdirSync(dirname(allowedSigners)), [
    "allowed_signers",
    "allowed_signers.accepted.json",
  ]);
});

test("a name that belongs to another key now is another signer, and a list without keys is read", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const copy = await copyOf(tiny);
  const { receipt } = await acceptBundle(copy, { allowedSigners });
  const list = await readAcceptedBundles(receipt);
  const older = list.map((one) =>
    Object.fromEntries(Object.entries(one).filter(([name]) => name !== "keys")),
  );
  await writeFile(receipt, JSON.stringify(older));
  assert.deepEqual(await readAcceptedBundles(receipt), older);
  // The name of the builder, given to a key of somebody else's.
  const renamed = await allow(tiny, [{ ...bob, name: builder(tiny).name }]);
  await writeFile(acceptedBundlesFile(renamed), JSON.stringify(list));
  await rm(join(copy, inside.signature));
  await signBundle(copy, bob.key);
  const again = await acceptBundle(copy, { allowedSigners: renamed });
  assert.deepEqual([again.before, again.signers], [false, list[0]?.signers]);
  assert.deepEqual(again.accepted.keys, [await fingerprint(bob.key)]);
});

/** As ssh-keygen prints it. */
async function fingerprint(key: string): Promise<string> {
  const { stdout } = await runProcess("ssh-keygen", ["-l", "-f", key]);
  return stdout.split(" ")[1] ?? "";
}

test("a refused bundle is not recorded", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  assert.deepEqual(await codesOf(acceptBundle(tiny.directory, { allowedSigners, minSignatures: 2 })), [
    "E_BUNDLE_SIGNATURE",
  ]);
  assert.deepEqual(await readAcceptedBundles(acceptedBundlesFile(allowedSigners)), []);
});

test("an older bundle passes only with the flag; the flag is recorded, and the older serial is effective from then on", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const newer = await withSerial(3);
  await acceptBundle(newer, { allowedSigners });
  assert.deepEqual(await codesOf(acceptBundle(tiny.directory, { allowedSigners })), ["E_BUNDLE_SERIAL"]);
  const back = await acceptBundle(tiny.directory, { allowedSigners, allowOlder: true });
  assert.deepEqual(
    back.overridden.map(({ code }) => code),
    ["E_BUNDLE_SERIAL"],
  );
  assert.deepEqual(back.accepted.insecure, ["--insecure-allow-older"]);
  const verified = await verifyBundle(tiny.directory, { allowedSigners });
  assert.deepEqual(
    [verified.serial, verified.backFrom],
    [1, "any"],
    "hosts go back, too, from whatever they saw",
  );
  const list = await readAcceptedBundles(acceptedBundlesFile(allowedSigners));
  assert.deepEqual(
    list.map(({ serial }) => serial),
    [3, 1],
  );
  // A higher serial is as welcome as ever, the very one of before too.
  const between = await withSerial(2);
  assert.equal(
    (await acceptBundle(between, { allowedSigners })).backFrom,
    3,
    "some hosts may have seen 3 alone",
  );
  assert.equal((await acceptBundle(newer, { allowedSigners })).backFrom, undefined);
});

test("an unsigned bundle passes only with the flag; a wrong signature does not pass even then", async () => {
  const allowedSigners = await allow(tiny, [bob]);
  const unsigned = await copyOf(tiny);
  await rm(join(unsigned, inside.signature));
  assert.deepEqual(await codesOf(acceptBundle(unsigned, { allowedSigners })), ["E_BUNDLE_UNSIGNED"]);
  const { accepted, overridden } = await acceptBundle(unsigned, { allowedSigners, allowUnsigned: true });
  assert.deepEqual([accepted.signers, accepted.insecure], [[], ["--insecure-allow-unsigned"]]);
  assert.deepEqual(
    overridden.map(({ code }) => code),
    ["E_BUNDLE_UNSIGNED"],
  );
  const foreign = acceptBundle(tiny.directory, { allowedSigners, allowUnsigned: true });
  assert.deepEqual(await codesOf(foreign), ["E_BUNDLE_SIGNATURE"]);
});

test("an unreadable list keeps every bundle out", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  for (const text of ["[", "{}", '[{"serial":"7"}]', ""]) {
    await writeFile(acceptedBundlesFile(allowedSigners), text);
    assert.deepEqual(await codesOf(verifyBundle(tiny.directory, { allowedSigners })), ["E_VALUE"], text);
  }
});

test("a manually written list is used like any other", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  await acceptBundle(tiny.directory, { allowedSigners });
  const [entry] = JSON.parse(await readFile(acceptedBundlesFile(allowedSigners), "utf8")) as AcceptedRecord[];
  await writeFile(acceptedBundlesFile(allowedSigners), JSON.stringify([{ ...entry, serial: 9 }]));
  assert.deepEqual(await codesOf(verifyBundle(tiny.directory, { allowedSigners })), ["E_BUNDLE_SERIAL"]);
});

/** The tiny bundle under another serial. */
async function withSerial(serial: number): Promise<string> {
  const copy = await copyOf(tiny);
  const lock = { ...(await readLock(tiny.lockFile)), serial };
  await writeLock(join(copy, inside.lock), lock);
  await rewriteManifest(copy, lock);
  await signBundle(copy, tiny.key);
  return copy;
}
