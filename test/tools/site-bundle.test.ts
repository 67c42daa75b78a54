import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "yaml";
import { formatProblem } from "../../modules/core/errors.ts";
import { loadSite, type LoadedSite } from "../../modules/rollout/probe-site.ts";
import { pinsOf } from "../../modules/environments/read-environment.ts";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { type AcceptedRecord, acceptedBundlesFile } from "../../offline-bundle/signing/accepted-bundles.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { lyingMedium } from "../support/fixtures/lying-medium.ts";
import { allow, builder, type Person, person } from "../support/fixtures/signers.ts";
import { changed, exampleText, problemsOf } from "../support/fixtures/site-text.ts";
import { copyOf, makeTinyBundle, makeTinyInputs, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let bob: Person;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bob = await person(tiny, "bob@site");
});

test("a site that requires two signatures gets a bundle that two people have signed, or none", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const copy = await copyOf(tiny);
  const one = await inputsOf({ directory: copy, allowedSigners, minSignatures: 2 });
  assert.match(
    one.problems.map(formatProblem).join(),
    /E_BUNDLE_SIGNATURE signatures: found: 1 of 2: signed by lab@sealift/,
  );
  assert.equal(one.bundle?.serial, undefined);
  await signBundle(copy, bob.key);
  const both = await inputsOf({ directory: copy, allowedSigners, minSignatures: 2 });
  assert.deepEqual([both.bundle?.serial, both.problems], [1, []]);
});

test("a key that the site has revoked does not count, and the list must exist", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny), bob]);
  const { directory } = tiny;
  const revoked = await inputsOf({ directory, allowedSigners, revokedKeys: `${tiny.key}.pub` });
  assert.match(revoked.problems.map(formatProblem).join(), /found: a key that was revoked \(lab@sealift/);
  const absent = await inputsOf({ directory, allowedSigners, revokedKeys: join(tiny.folder, "nothing") });
  assert.match(absent.problems.map(formatProblem).join(), /expected: the list of revoked keys/);
  const other = await inputsOf({ directory, allowedSigners, revokedKeys: `${bob.key}.pub` });
  assert.deepEqual(other.problems, []);
});

test("a bundle below the last one accepted here is refused, whoever signed it", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const { directory } = tiny;
  await acceptBundle(directory, { allowedSigners });
  assert.deepEqual((await inputsOf({ directory, allowedSigners })).problems, []);
  const file = acceptedBundlesFile(allowedSigners);
  const [entry] = JSON.parse(readFileSync(file, "utf8")) as AcceptedRecord[];
  await writeFile(file, JSON.stringify([entry, { ...entry, serial: 5 }]));
  const { problems, bundle } = await inputsOf({ directory, allowedSigners });
  assert.equal(bundle?.serial, undefined);
  assert.match(
    problems.map(formatProblem).join(),
    /E_BUNDLE_SERIAL serial: found: 1, older than .* expected: 5 or higher/,
  );
});

test("a release series stands for what the signed lock has, whatever the medium returns first", async () => {
  const two = await makeTinyInputs();
  undo(() => two.remove());
  for (const arch of ["amd64", "arm64"])
    await copyFile(
      join(two.folder, `docker-${arch}-28.5.2.tgz`),
      join(two.folder, `docker-${arch}-28.5.1.tgz`),
    );
  const text = await readFile(two.bundleFile, "utf8");
  await writeFile(two.bundleFile, text.replace("- 28.5.2", "- 28.5.1\n      - 28.5.2"));
  await lockBundle(two);
  await buildBundle(two);
  const { allowedSigners, lockFile } = two;
  const line = { engine: { version: "28.5" } };
  const versions = ({ hosts }: LoadedSite): unknown => [
    ...new Set(hosts.map(({ files, spec }) => [files?.archive.version, spec.engine.version].join())),
  ];
  // Nobody has signed this one: the newer engine is not in it.
  const liar = await copyOf(two);
  const lock = await readLock(lockFile);
  await writeLock(join(liar, inside.lock), {
    ...lock,
    files: lock.files.filter(({ version }) => version !== "28.5.2"),
  });
  for (const lockNamed of [{}, { lock: lockFile }]) {
    const truth = await inputsOf({ directory: two.directory, allowedSigners, ...lockNamed }, line);
    assert.deepEqual([versions(truth), truth.problems], [["28.5.2,28.5.2"], []]);
    const medium = lyingMedium(liar, two.directory);
    const loaded = await inputsOf({ directory: liar, allowedSigners, ...lockNamed }, line).finally(
      medium.end,
    );
    assert.equal(medium.reads.get(inside.lock), 1);
    assert.match(loaded.problems.map(formatProblem).join(), /E_BUNDLE_DIGEST/);
    assert.deepEqual(versions(loaded), [",28.5"]);
    const other = lyingMedium(two.directory, liar);
    const right = await inputsOf({ directory: two.directory, allowedSigners, ...lockNamed }, line).finally(
      other.end,
    );
    assert.deepEqual([versions(right), right.problems], [["28.5.2,28.5.2"], []]);
  }
  // Reading about an environment believes no other lock either.
  const read = await pinsOf({ directory: two.directory, allowedSigners });
  assert.equal(read.lock?.files.length, lock.files.length);
  const refused = await pinsOf({ directory: liar, allowedSigners });
  assert.equal(refused.lock, undefined);
  assert.deepEqual(
    refused.problems.map(({ code }) => code),
    ["E_BUNDLE_DIGEST"],
  );
});

test("the lock that a site names is read once: what is compared is what is used", async () => {
  const other = await copyOf(tiny);
  const { directory, allowedSigners, lockFile } = tiny;
  await mkdir(join(other, "lie"));
  const named = join(tiny.folder, "named");
  await mkdir(named);
  const lock = await readLock(lockFile);
  await writeFile(join(named, inside.lock), await readFile(lockFile));
  await writeLock(join(other, "lie", inside.lock), { ...lock, files: [] });
  const medium = lyingMedium(named, join(other, "lie"));
  const line = { engine: { version: "28.5" } };
  const bundle = { directory, allowedSigners, lock: join(named, inside.lock) };
  const { problems, hosts } = await inputsOf(bundle, line).finally(medium.end);
  assert.deepEqual(
    [medium.reads.get(inside.lock), problems, hosts[0]?.files?.archive.version],
    [1, [], "28.5.2"],
  );
});

test("the required number of signatures is a whole number from 1 to 9", () => {
  const key = "minSignatures: 2\n";
  for (const wrong of ["0", "10", "1.5", "two"]) {
    const [problem] = problemsOf(changed(key, `minSignatures: ${wrong}\n`));
    assert.equal(problem?.subject, "bundle.minSignatures", wrong);
    assert.match(problem.where, /:14:22$/);
  }
  assert.deepEqual(problemsOf(changed(key, `${key}      revokedKeys: stacks/revoked_keys\n`)), []);
});

/** The documented example, with the tiny bundle's engine and this bundle. */
function inputsOf(bundle: object, over: object = {}): Promise<LoadedSite> {
  return loadSite(siteWith(bundle, over), "stack.yaml");
}

function siteWith(bundle: object, over: object): unknown {
  const { config } = parse(exampleText) as { config: Record<string, object> };
  return { ...config["sealift:site"], ...over, bundle };
}
