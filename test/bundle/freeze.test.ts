/** An older bundle, or the same one forever: how a site can detect it, and what it reports if it cannot. */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { acceptedBundlesFile } from "../../offline-bundle/signing/accepted-bundles.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { sealift } from "../support/fixtures/bundle-verbs.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { rewriteManifest } from "../support/fixtures/rewrite-manifest.ts";
import { allow, builder } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";

let tiny: TinyBundle;
/** The same with a last day. */
let dated: TinyBundle;
before(async () => {
  tiny = await makeTinyBundle();
  const bundleFile = join(tiny.folder, "dated.yaml");
  await writeFile(bundleFile, `expires: "2026-12-31"\n${await readFile(tiny.bundleFile, "utf8")}`);
  const lockFile = join(tiny.folder, "dated.lock.yaml");
  dated = { ...tiny, bundleFile, lockFile, directory: join(tiny.folder, "dated") };
  await lockBundle(dated);
  await buildBundle(dated);
});
after(() => tiny.remove());

const day = (text: string): Date => new Date(`${text}Z`);
const fresh = (): Promise<string> => allow(tiny, [builder(tiny)]);

test("a missing or empty list of accepted bundles is reported on every run and refused where it is required", async () => {
  const allowedSigners = await fresh();
  for (const text of [undefined, "[]\n"]) {
    if (text !== undefined) await writeFile(acceptedBundlesFile(allowedSigners), text);
    const { warnings } = await verifyBundle(tiny.directory, { allowedSigners });
    assert.deepEqual(
      warnings.map(({ code, subject }) => `${code} ${subject}`),
      ["E_BUNDLE_SERIAL accepted bundles"],
    );
    const [problem] = await assertRefused(
      verifyBundle(tiny.directory, { allowedSigners, requireAccepted: true }),
    );
    assert.match(
      formatProblem(problem ?? assert.fail()),
      /no list of accepted bundles .* an older bundle would also be accepted/,
    );
  }
  await acceptBundle(tiny.directory, { allowedSigners, requireAccepted: true });
  assert.deepEqual(
    (await verifyBundle(tiny.directory, { allowedSigners, requireAccepted: true })).warnings,
    [],
  );
});

test("the commands print this on stderr, each time, and refuse with 77 where it is required", async () => {
  const allowedSigners = await fresh();
  const words = /^warning: .*E_BUNDLE_SERIAL accepted bundles: found: no list of accepted bundles/m;
  for (const verb of ["verify", "inspect"]) {
    const { exitCode, stderr } = await sealift(verb, tiny.directory, "--allowed-signers", allowedSigners);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, words);
  }
  const required = ["verify", tiny.directory, "--allowed-signers", allowedSigners, "--require-accepted"];
  assert.equal((await sealift(...required)).exitCode, 77);
  // What begins the list does not ask for one.
  const { exitCode, stdout, stderr } = await sealift(
    "accept",
    tiny.directory,
    "--allowed-signers",
    allowedSigners,
  );
  assert.equal(exitCode, 0);
  assert.equal(stderr, "");
  assert.match(
    stdout,
    /^first record +this starts the list of accepted bundles; if this site already had one, restore that file/m,
  );
  assert.equal((await sealift("verify", tiny.directory, "--allowed-signers", allowedSigners)).stderr, "");
});

test("a bundle has an expiry date, and is refused afterwards", async () => {
  assert.equal((await readLock(dated.lockFile)).expires, "2026-12-31");
  const allowedSigners = await fresh();
  const at = (now: string): ReturnType<typeof verifyBundle> =>
    verifyBundle(dated.directory, { allowedSigners, now: day(now) });
  assert.equal((await at("2026-12-31T23:59:59")).manifest.expires, "2026-12-31");
  const [problem, ...more] = await assertRefused(at("2027-01-01T00:00:00"));
  assert.deepEqual([problem?.code, more.length], ["E_BUNDLE_EXPIRED", 0]);
  assert.match(
    formatProblem(problem ?? assert.fail()),
    /the bundle expired on 2026-12-31 \(UTC\).*--insecure-allow-expired/,
  );
});

test("an expired bundle is used only with a flag, which is recorded; from then on it passes and is reported", async () => {
  const allowedSigners = await fresh();
  const now = day("2027-01-02T00:00:00");
  assert.deepEqual(await codesOf(acceptBundle(dated.directory, { allowedSigners, now })), [
    "E_BUNDLE_EXPIRED",
  ]);
  const { accepted } = await acceptBundle(dated.directory, { allowedSigners, now, allowExpired: true });
  assert.deepEqual(accepted.insecure, ["--insecure-allow-expired"]);
  const { warnings } = await verifyBundle(dated.directory, { allowedSigners, now });
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["E_BUNDLE_EXPIRED"],
  );
});

test("an expiry date that is invalid or was changed is refused", async () => {
  for (const expires of ["2026-13-01", "2026-02-30", "soon", "2026-12-31 or later"]) {
    const copy = await copyOf(tiny);
    await rewriteManifest(copy, { ...(await readLock(tiny.lockFile)), expires });
    await signBundle(copy, tiny.key);
    const { allowedSigners } = tiny;
    assert.deepEqual(await codesOf(verifyBundle(copy, { allowedSigners })), ["E_BUNDLE_DIGEST"], expires);
    await rm(copy, { recursive: true });
  }
  await writeFile(dated.bundleFile, (await readFile(dated.bundleFile, "utf8")).replace("2026", "2027"));
  const [problem] = await assertRefused(buildBundle({ ...dated, directory: join(tiny.folder, "never") }));
  assert.deepEqual([problem?.code, problem?.subject], ["E_LOCK_STALE", "expires"]);
  const { changed, lock } = await lockBundle(dated);
  assert.deepEqual([changed, lock.expires, lock.serial], [true, "2027-12-31", 2]);
});

test("a signed text and a lock that differ in serial, platforms or date belong to no bundle", async () => {
  const lock = await readLock(tiny.lockFile);
  const { allowedSigners } = tiny;
  for (const [other, code] of [
    [{ ...lock, serial: 9 }, "E_BUNDLE_SERIAL"],
    [{ ...lock, platforms: ["linux/amd64"] }, "E_BUNDLE_DIGEST"],
    [{ ...lock, expires: "2999-01-01" }, "E_BUNDLE_DIGEST"],
  ] as const) {
    const copy = await copyOf(tiny);
    await rewriteManifest(copy, other);
    await signBundle(copy, tiny.key);
    const [problem] = await assertRefused(verifyBundle(copy, { allowedSigners }));
    assert.equal(problem?.code, code);
    assert.ok(problem.where.endsWith(inside.lock), problem.where);
    await rm(copy, { recursive: true });
  }
});
