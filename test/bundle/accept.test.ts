import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readdirSync } from "node:fs";
import { before, test } from "node:test";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { digestOf } from "../../offline-bundle/digest.ts";
import { inside } from "../../offline-bundle/layout.ts";
import { readLock, writeLock } from "../../offline-bundle/lock-file.ts";
import { type Accepted, readReceipt, receiptFile } from "../../offline-bundle/receipt.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { codesOf } from "../support/refused.ts";
import { reseal } from "../support/reseal.ts";
import { runProcess } from "../support/run-process.ts";
import { allow, builder, type Person, person } from "../support/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/tiny-bundle.ts";
import { undoAfter } from "../support/undo.ts";

let tiny: TinyBundle;
let bob: Person;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bob = await person(tiny, "bob@site");
});

test("what was accepted is written down beside the allowed signers, once, and again when more have signed", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const copy = await copyOf(tiny);
  const first = await acceptBundle(copy, { allowedSigners });
  assert.equal(first.receipt, `${allowedSigners}.accepted.json`);
  assert.equal(first.before, false);
  const [entry] = await readReceipt(first.receipt);
  assert.ok(entry !== undefined);
  assert.equal(entry.serial, 1);
  assert.equal(entry.sealSha256, (await digestOf(join(copy, inside.seal))).sha256);
  assert.equal(entry.lockSha256, (await digestOf(tiny.lockFile)).sha256);
  assert.deepEqual([entry.signers, entry.insecure], [["lab@sealift"], []]);
  assert.deepEqual(entry.keys, [await fingerprint(tiny.key)]);
  assert.match(entry.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(entry.by, /^[^@]+@[^@]+$/);

  assert.equal((await acceptBundle(copy, { allowedSigners })).before, true);
  assert.equal((await readReceipt(first.receipt)).length, 1);
  await signBundle(copy, bob.key);
  assert.deepEqual((await acceptBundle(copy, { allowedSigners })).accepted.signers, [
    "lab@sealift",
    "bob@site",
  ]);
  const both = [await fingerprint(tiny.key), await fingerprint(bob.key)].sort();
  assert.deepEqual((await readReceipt(first.receipt)).at(-1)?.keys, both);
  assert.deepEqual((await readReceipt(first.receipt))[0], entry);
  assert.deepEqual(readdirSync(dirname(allowedSigners)), [
    "allowed_signers",
    "allowed_signers.accepted.json",
  ]);
});

test("a name that another key has by now is another signer, and a list without keys is read", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const copy = await copyOf(tiny);
  const { receipt } = await acceptBundle(copy, { allowedSigners });
  const list = await readReceipt(receipt);
  const older = list.map((one) =>
    Object.fromEntries(Object.entries(one).filter(([name]) => name !== "keys")),
  );
  await writeFile(receipt, JSON.stringify(older));
  assert.deepEqual(await readReceipt(receipt), older);
  // The name of the builder, given to a key of somebody else's.
  const renamed = await allow(tiny, [{ ...bob, name: builder(tiny).name }]);
  await writeFile(receiptFile(renamed), JSON.stringify(list));
  await rm(join(copy, inside.signature));
  await signBundle(copy, bob.key);
  const again = await acceptBundle(copy, { allowedSigners: renamed });
  assert.deepEqual([again.before, again.signers], [false, list[0]?.signers]);
  assert.deepEqual(again.accepted.keys, [await fingerprint(bob.key)]);
});

/** As ssh-keygen says it. */
async function fingerprint(key: string): Promise<string> {
  const { stdout } = await runProcess("ssh-keygen", ["-l", "-f", key]);
  return stdout.split(" ")[1] ?? "";
}

test("a refused bundle is not written down", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  assert.deepEqual(await codesOf(acceptBundle(tiny.directory, { allowedSigners, signatures: 2 })), [
    "E_BUNDLE_SIGNATURE",
  ]);
  assert.deepEqual(await readReceipt(receiptFile(allowedSigners)), []);
});

test("an older bundle passes with the flag only; the flag is written down, and what it let pass counts from then on", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const newer = await withSerial(3);
  await acceptBundle(newer, { allowedSigners });
  assert.deepEqual(await codesOf(acceptBundle(tiny.directory, { allowedSigners })), ["E_BUNDLE_SERIAL"]);
  const back = await acceptBundle(tiny.directory, { allowedSigners, allowOlder: true });
  assert.deepEqual(
    back.waived.map(({ code }) => code),
    ["E_BUNDLE_SERIAL"],
  );
  assert.deepEqual(back.accepted.insecure, ["--insecure-allow-older"]);
  const verified = await verifyBundle(tiny.directory, { allowedSigners });
  assert.deepEqual(
    [verified.serial, verified.backFrom],
    [1, "any"],
    "hosts go back, too, from whatever they saw",
  );
  const list = await readReceipt(receiptFile(allowedSigners));
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

test("an unsigned bundle passes with the flag only; a wrong signature does not pass even then", async () => {
  const allowedSigners = await allow(tiny, [bob]);
  const unsigned = await copyOf(tiny);
  await rm(join(unsigned, inside.signature));
  assert.deepEqual(await codesOf(acceptBundle(unsigned, { allowedSigners })), ["E_BUNDLE_UNSIGNED"]);
  const { accepted, waived } = await acceptBundle(unsigned, { allowedSigners, allowUnsigned: true });
  assert.deepEqual([accepted.signers, accepted.insecure], [[], ["--insecure-allow-unsigned"]]);
  assert.deepEqual(
    waived.map(({ code }) => code),
    ["E_BUNDLE_UNSIGNED"],
  );
  const foreign = acceptBundle(tiny.directory, { allowedSigners, allowUnsigned: true });
  assert.deepEqual(await codesOf(foreign), ["E_BUNDLE_SIGNATURE"]);
});

test("a list that cannot be read keeps every bundle out", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  for (const text of ["[", "{}", '[{"serial":"7"}]', ""]) {
    await writeFile(receiptFile(allowedSigners), text);
    assert.deepEqual(await codesOf(verifyBundle(tiny.directory, { allowedSigners })), ["E_VALUE"], text);
  }
});

test("a list that was written by hand counts as any other", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  await acceptBundle(tiny.directory, { allowedSigners });
  const [entry] = JSON.parse(await readFile(receiptFile(allowedSigners), "utf8")) as Accepted[];
  await writeFile(receiptFile(allowedSigners), JSON.stringify([{ ...entry, serial: 9 }]));
  assert.deepEqual(await codesOf(verifyBundle(tiny.directory, { allowedSigners })), ["E_BUNDLE_SERIAL"]);
});

/** The tiny bundle under another serial. */
async function withSerial(serial: number): Promise<string> {
  const copy = await copyOf(tiny);
  const lock = { ...(await readLock(tiny.lockFile)), serial };
  await writeLock(join(copy, inside.lock), lock);
  await reseal(copy, lock);
  await signBundle(copy, tiny.key);
  return copy;
}
