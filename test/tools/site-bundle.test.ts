import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "yaml";
import { formatProblem } from "../../modules/core/errors.ts";
import { readInputs, type Inputs } from "../../modules/look.ts";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { type Accepted, receiptFile } from "../../offline-bundle/receipt.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { allow, builder, type Person, person } from "../support/signers.ts";
import { changed, exampleText, problemsOf } from "../support/site-text.ts";
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

test("a site that asks for two signatures gets a bundle that two people have signed, or none", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const copy = await copyOf(tiny);
  const one = await inputsOf({ directory: copy, allowedSigners, signatures: 2 });
  assert.match(
    one.problems.map(formatProblem).join(),
    /E_BUNDLE_SIGNATURE signatures: got 1 of 2: signed by lab@sealift/,
  );
  assert.equal(one.bundle?.serial, undefined);
  await signBundle(copy, bob.key);
  const both = await inputsOf({ directory: copy, allowedSigners, signatures: 2 });
  assert.deepEqual([both.bundle?.serial, both.problems], [1, []]);
});

test("a key that the site has revoked does not count, and the list must be there", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const { directory } = tiny;
  const revoked = await inputsOf({ directory, allowedSigners, revokedKeys: `${tiny.key}.pub` });
  assert.match(revoked.problems.map(formatProblem).join(), /got a key that was revoked \(lab@sealift/);
  const absent = await inputsOf({ directory, allowedSigners, revokedKeys: join(tiny.folder, "nothing") });
  assert.match(absent.problems.map(formatProblem).join(), /expected the list of revoked keys/);
  const other = await inputsOf({ directory, allowedSigners, revokedKeys: `${bob.key}.pub` });
  assert.deepEqual(other.problems, []);
});

test("a bundle below the last one that was accepted here is refused, whoever signed it", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const { directory } = tiny;
  await acceptBundle(directory, { allowedSigners });
  assert.deepEqual((await inputsOf({ directory, allowedSigners })).problems, []);
  const file = receiptFile(allowedSigners);
  const [entry] = JSON.parse(readFileSync(file, "utf8")) as Accepted[];
  await writeFile(file, JSON.stringify([entry, { ...entry, serial: 5 }]));
  const { problems, bundle } = await inputsOf({ directory, allowedSigners });
  assert.equal(bundle?.serial, undefined);
  assert.match(
    problems.map(formatProblem).join(),
    /E_BUNDLE_SERIAL serial: got 1, older than .* expected 5 or higher/,
  );
});

test("how many must sign is a whole number from 1 to 9", () => {
  const key = "signatures: 2\n";
  for (const wrong of ["0", "10", "1.5", "two"]) {
    const [problem] = problemsOf(changed(key, `signatures: ${wrong}\n`));
    assert.equal(problem?.subject, "bundle.signatures", wrong);
    assert.match(problem.where, /:14:19$/);
  }
  assert.deepEqual(problemsOf(changed(key, `${key}      revokedKeys: stacks/revoked_keys\n`)), []);
});

/** The documented example, with the tiny bundle's engine and this bundle. */
function inputsOf(bundle: object): Promise<Inputs> {
  const { config } = parse(exampleText) as { config: Record<string, object> };
  return readInputs({ ...config["sealift:site"], bundle }, "stack.yaml");
}
