import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { inside } from "../../offline-bundle/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/signing-key.ts";
import { codesOf, refused } from "../support/refused.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/tiny-bundle.ts";

let tiny: TinyBundle;
before(async () => {
  tiny = await makeTinyBundle();
});
after(() => tiny.remove());

test("an unsigned bundle, and one signed by a key that is not trusted, are refused", async () => {
  const unsigned = await copyOf(tiny);
  await rm(join(unsigned, inside.signature));
  assert.deepEqual(await codesOf(verifyBundle(unsigned, tiny)), ["E_BUNDLE_UNSIGNED"]);

  const other = await ensureSigningKey(join(tiny.folder, "other-key"), "mallory@elsewhere");
  const foreign = await copyOf(tiny);
  await rm(join(foreign, inside.signature));
  await signBundle(foreign, other.file);
  const [problem] = await refused(verifyBundle(foreign, tiny));
  assert.equal(problem?.code, "E_BUNDLE_SIGNATURE");
  assert.match(problem.got, /key that is not trusted/);
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
  const seal = join(email, inside.seal);
  await rm(join(email, inside.signature));
  await promisify(execFile)("ssh-keygen", ["-q", "-Y", "sign", "-f", tiny.key, "-n", "email", seal]);
  const anything = join(tiny.folder, "anything");
  await writeFile(anything, (await readFile(tiny.allowedSigners, "utf8")).replace(/namespaces="[^"]*" /, ""));
  assert.equal((await verifyBundle(tiny.directory, { allowedSigners: anything })).signer, "lab@sealift");
  assert.deepEqual(await codesOf(verifyBundle(email, { allowedSigners: anything })), ["E_BUNDLE_SIGNATURE"]);

  const nobody = { allowedSigners: join(tiny.folder, "no-such-file") };
  assert.deepEqual(await codesOf(verifyBundle(tiny.directory, nobody)), ["E_BUNDLE_SIGNATURE"]);
});
