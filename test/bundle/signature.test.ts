import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { formatProblem } from "../../modules/core/errors.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { parseSshSignature } from "../../offline-bundle/signing/ssh-signature.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { allow, builder, person } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

test("an unsigned bundle, and one signed by a key that is not trusted, are refused", async () => {
  const unsigned = await copyOf(tiny);
  await rm(join(unsigned, inside.signature));
  assert.deepEqual(await codesOf(verifyBundle(unsigned, tiny)), ["E_BUNDLE_UNSIGNED"]);

  const other = await ensureSigningKey(join(tiny.folder, "other-key"), "mallory@elsewhere");
  const foreign = await copyOf(tiny);
  await rm(join(foreign, inside.signature));
  await signBundle(foreign, other.file);
  const [problem] = await assertRefused(verifyBundle(foreign, tiny));
  assert.equal(problem?.code, "E_BUNDLE_SIGNATURE");
  assert.match(problem.found, /key that is not trusted/);
  assert.equal((await verifyBundle(foreign, other)).signer, "mallory@elsewhere");
});

test("a signature made for something else does not count, nor does a trusted name without its key", async () => {
  const other = await ensureSigningKey(join(tiny.folder, "email-key"));
  const text = await readFile(other.allowedSigners, "utf8");
  await writeFile(other.allowedSigners, text.replace("sealift-bundle", "file"));
  const copy = await copyOf(tiny);
  await signBundle(copy, other.file);
  assert.deepEqual(await codesOf(verifyBundle(copy, other)), ["E_BUNDLE_SIGNATURE"]);

  const email = await copyOf(tiny);
  const bundleManifest = join(email, inside.manifest);
  await rm(join(email, inside.signature));
  await promisify(execFile)("ssh-keygen", [
    "-q",
    "-Y",
    "sign",
    "-f",
    tiny.key,
    "-n",
    "email",
    bundleManifest,
  ]);
  const anything = join(tiny.folder, "anything");
  await writeFile(anything, (await readFile(tiny.allowedSigners, "utf8")).replace(/namespaces="[^"]*" /, ""));
  assert.equal((await verifyBundle(tiny.directory, { allowedSigners: anything })).signer, "lab@sealift");
  assert.deepEqual(await codesOf(verifyBundle(email, { allowedSigners: anything })), ["E_BUNDLE_SIGNATURE"]);

  const nobody = { allowedSigners: join(tiny.folder, "no-such-file") };
  assert.deepEqual(await codesOf(verifyBundle(tiny.directory, nobody)), ["E_BUNDLE_SIGNATURE"]);
});

test("a second person's signature is stored beside the first; a second signature of one person replaces the first", async () => {
  const bob = await person(tiny, "bob@site");
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const copy = await copyOf(tiny);
  assert.deepEqual((await verifyBundle(copy, { allowedSigners })).signers, ["lab@sealift"]);
  const { name, again } = await signBundle(copy, bob.key);
  assert.deepEqual([name, again], ["sealift.json.2.sig", false]);
  assert.deepEqual((await signBundle(copy, bob.key)).again, true);
  assert.equal((await signBundle(copy, tiny.key)).name, inside.signature);
  const { signers, signer } = await verifyBundle(copy, { allowedSigners, minSignatures: 2 });
  assert.deepEqual([signers, signer], [["lab@sealift", "bob@site"], "lab@sealift"]);
  assert.equal((await signBundle(copy, (await person(tiny, "carol@site")).key)).name, "sealift.json.3.sig");
  assert.deepEqual(
    (await readdir(copy)).filter((file) => file.startsWith("sealift.json")),
    ["sealift.json", "sealift.json.2.sig", "sealift.json.3.sig", "sealift.json.sig"],
  );
});

test("one person is one signature: two keys under one name, and a copy of the same signature, are not two", async () => {
  const second = await person(tiny, "second-key");
  const sameName = await allow(tiny, [builder(tiny), { ...second, name: "lab@sealift" }]);
  const copy = await copyOf(tiny);
  await signBundle(copy, second.key);
  const twoKeys = verifyBundle(copy, { allowedSigners: sameName, minSignatures: 2 });
  assert.match(
    (await assertRefused(twoKeys)).map(formatProblem).join(),
    /found: 1 of 2: signed by lab@sealift \(2 keys of one person\); .*have another trusted person/,
  );

  const doubled = await copyOf(tiny);
  await copyFile(join(doubled, inside.signature), join(doubled, "sealift.json.2.sig"));
  const twice = verifyBundle(doubled, { ...tiny, minSignatures: 2 });
  assert.match((await assertRefused(twice)).map(formatProblem).join(), /found: 1 of 2/);
});

test("a signature is read to its last byte: nothing can hide behind it or between its bits", async () => {
  const path = join(tiny.directory, inside.signature);
  const text = await readFile(path, "latin1");
  assert.equal(parseSshSignature(text)?.keyType, "ssh-ed25519");
  const listed = execFileSync("ssh-keygen", ["-l", "-f", `${tiny.key}.pub`], { encoding: "utf8" });
  assert.ok(listed.includes(parseSshSignature(text)?.fingerprint ?? "nothing"));
  // The last digit before the padding has four bits that stand for nothing.
  const padded = text.replace(/(.)==\n/, (_all, digit: string) => `${next(digit)}==\n`);
  const others = [
    `${text}\n`,
    `${text}more`,
    text.slice(0, -1),
    text.replace("\n", "\r\n"),
    text.replace("U1NI", "U1NJ"),
    padded,
  ];
  for (const other of others) {
    assert.notEqual(other, text);
    assert.equal(parseSshSignature(other), undefined, JSON.stringify(other.slice(-40)));
  }
});

function next(digit: string): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return digits.charAt(digits.indexOf(digit) + 1);
}

test("the next signer may verify first: unknown signers do not count and do not prevent it, broken signatures do", async () => {
  const bob = await person(tiny, "bob@site");
  const options = { allowedSigners: await allow(tiny, [bob]), minSignatures: 0, allowUnsigned: true };
  const copy = await copyOf(tiny);
  const { signers, ignoredSignatures, overridden } = await verifyBundle(copy, options);
  assert.deepEqual([signers, ignoredSignatures.length, overridden.length], [[], 1, 0]);
  await writeFile(join(copy, "sealift.json.2.sig"), "no signature\n");
  assert.match(
    (await assertRefused(verifyBundle(copy, options))).map(formatProblem).join(),
    /2\.sig: found: a file that is not/,
  );
});
