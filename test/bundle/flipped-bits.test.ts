import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import fc from "fast-check";
import { errorCodes } from "../../modules/core/errors.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { allow, builder, person } from "../support/fixtures/signers.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Every file has the same share of the flips, the small ones too: signatures, index, lock. */
const flips = 300;

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

test(`${flips} random flips over the whole bundle: each is refused, with a code and a fix`, async () => {
  const bob = await person(tiny, "bob@site");
  await signBundle(tiny.directory, bob.key);
  // One signature would do: a broken second one must not pass all the same.
  const options = { allowedSigners: await allow(tiny, [builder(tiny), bob]), minSignatures: 1 };
  const files = await filesBelow(tiny.directory);
  const flipped = new Set<string>();
  let caught = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: files.length - 1 }), fc.nat(), async (at, position) => {
      const file = files[at] ?? "";
      const original = await readFile(file);
      await flipBit(file, position % ((await stat(file)).size * 8));
      try {
        const problems = await assertRefused(verifyBundle(tiny.directory, options));
        for (const { code, fix, found, expected } of problems) {
          assert.ok(errorCodes.includes(code));
          for (const words of [fix, found, expected]) assert.notEqual(words.trim(), "", code);
        }
        caught += 1;
        flipped.add(file);
      } finally {
        await writeFile(file, original);
      }
    }),
    { numRuns: flips },
  );
  assert.equal(caught, flips);
  assert.ok(flipped.size > files.length / 2, `${flipped.size} of ${files.length} files`);
  // Nothing of this has hurt the bundle itself: what is refused is refused for the flip.
  assert.deepEqual((await verifyBundle(tiny.directory, options)).signers, ["lab@sealift", "bob@site"]);
});

test("the one bit of a signature that ssh-keygen does not check is refused too", async () => {
  const file = join(tiny.directory, inside.signature);
  const text = await readFile(file, "utf8");
  // The version of the format, 1, stands behind the magic word.
  const other = text.replace("\nU1NIU0lHAAAAAQ", "\nU1NIU0lHAAAAAA");
  assert.notEqual(other, text);
  await writeFile(file, other);
  const [problem] = await assertRefused(
    verifyBundle(tiny.directory, { allowedSigners: tiny.allowedSigners }),
  );
  assert.equal(problem?.code, "E_BUNDLE_SIGNATURE");
  assert.equal(problem.found, "a file that is not a signature");
  await writeFile(file, text);
});

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
