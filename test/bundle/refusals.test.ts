import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type ErrorCode, formatProblem } from "../../modules/core/errors.ts";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { readLock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle, type VerifyOptions } from "../../offline-bundle/verify.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { rewriteManifest } from "../support/fixtures/rewrite-manifest.ts";
import { allow, builder, type Person, person } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let alice: Person, bob: Person;
/** Lists both, and nothing was accepted yet. */
let both: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  alice = builder(tiny);
  bob = await person(tiny, "bob@site");
  both = await allow(tiny, [alice, bob]);
});

/** What is done to a copy of a good bundle, and what is asked of it. */
type Spoil = (copy: string) => Promise<Partial<VerifyOptions> | undefined>;

const refusals: readonly [string, ErrorCode, RegExp, Spoil][] = [
  [
    "unsigned",
    "E_BUNDLE_UNSIGNED",
    /found: the bundle has no signature; .*sealift bundle sign/,
    without(inside.signature),
  ],
  [
    "signed by a key that nobody knows",
    "E_BUNDLE_SIGNATURE",
    /found: a signature by a key that is not trusted \(ssh-ed25519 SHA256:/,
    async () => ({ allowedSigners: await allow(tiny, [bob]) }),
  ],
  [
    "signed by a key that has expired",
    "E_BUNDLE_SIGNATURE",
    /found: a key that expired on 2020-01-01T00:00:00 \(.*allowed_signers:1\); .*do not extend valid-before/,
    async () => ({ allowedSigners: await allow(tiny, [{ ...alice, options: 'valid-before="20200101"' }]) }),
  ],
  [
    "signed by a key that is not valid yet",
    "E_BUNDLE_SIGNATURE",
    /found: a key that is not valid before 2990-01-01T00:00:00 .*check the clock/,
    async () => ({ allowedSigners: await allow(tiny, [{ ...alice, options: 'valid-after="29900101"' }]) }),
  ],
  [
    "signed by a key that was revoked",
    "E_BUNDLE_SIGNATURE",
    /found: a key that was revoked \(lab@sealift, ssh-ed25519 SHA256:.*even if others have signed it/,
    () => Promise.resolve({ revokedKeys: `${alice.key}.pub` }),
  ],
  [
    "a list of revoked keys that is none",
    "E_BUNDLE_SIGNATURE",
    /found: a list of revoked keys that cannot be used .*restore the correct list/,
    () => Promise.resolve({ revokedKeys: tiny.bundleFile }),
  ],
  [
    "no list of revoked keys where one is named",
    "E_BUNDLE_SIGNATURE",
    /found: no file .*revoked; expected: the list of revoked keys/,
    () => Promise.resolve({ revokedKeys: join(tiny.folder, "revoked") }),
  ],
  [
    "one signature where two are needed",
    "E_BUNDLE_SIGNATURE",
    /signatures: found: 1 of 2: signed by lab@sealift; expected: .* 2 different people .*; fix: have bob@site run: sealift bundle sign/,
    () => Promise.resolve({ minSignatures: 2 }),
  ],
  [
    "a serial below the last accepted one",
    "E_BUNDLE_SERIAL",
    /serial: found: 1, older than the accepted bundle; expected: 2 or higher, accepted on \d{4}-.*Z/,
    async () => ({ allowedSigners: await afterAccepting(2) }),
  ],
  [
    "another bundle of an accepted serial",
    "E_BUNDLE_SERIAL",
    /serial: found: 1 with a different bundle\.lock\.yaml than before .*find out who built a second bundle/,
    async () => ({ allowedSigners: await afterAccepting(1) }),
  ],
  [
    "for another platform",
    "E_BUNDLE_PLATFORM",
    /linux\/riscv64: found: a bundle for linux\/amd64, linux\/arm64; expected: a bundle for linux\/riscv64/,
    () => Promise.resolve({ platforms: ["linux/amd64", "linux/riscv64"] }),
  ],
  [
    "a flipped bit in a file",
    "E_BUNDLE_DIGEST",
    /E_BUNDLE_DIGEST docker 28\.5\.2 linux\/amd64: found: \d+ bytes, sha256/,
    flipped(file),
  ],
  [
    "a flipped bit in a manifest",
    "E_BUNDLE_DIGEST",
    /E_BUNDLE_DIGEST manifest of docker\.io\/library\/hello:1: found: \d+ bytes/,
    flipped(manifest),
  ],
  [
    "a flipped bit in the index",
    "E_BUNDLE_DIGEST",
    /E_BUNDLE_DIGEST index\.json: found: /,
    flipped(inside.index),
  ],
  [
    "a flipped bit in the lock",
    "E_BUNDLE_DIGEST",
    /E_BUNDLE_DIGEST bundle\.lock\.yaml: found: /,
    flipped(inside.lock),
  ],
  [
    "a flipped bit in the signature",
    "E_BUNDLE_SIGNATURE",
    /sealift\.json\.sig: found: a (signature that does not match|file that is not a signature)/,
    flipped(inside.signature),
  ],
  [
    "a flipped bit in the signed text",
    "E_BUNDLE_SIGNATURE",
    /sealift\.json\.sig: found: a signature that does not match sealift\.json/,
    flipped(inside.manifest),
  ],
  [
    "a blob that is gone",
    "E_BUNDLE_INCOMPLETE",
    /files\/docker:28\.5\.2-linux-amd64: found: no blob/,
    without(file),
  ],
  [
    "a blob that nothing names",
    "E_BUNDLE_DIGEST",
    /found: a blob that the signed bundle does not reference; expected: only blobs that are covered by the signature/,
    async (copy) => {
      await writeFile(join(copy, inside.blobs, emptySha256), "");
      return undefined;
    },
  ],
  [
    "another lock than the one that was reviewed",
    "E_LOCK_STALE",
    /lock: found: serial 7, .*; expected: serial 1/,
    async (copy) => {
      const lockFile = join(copy, "..", "reviewed.yaml");
      await writeLock(lockFile, { ...(await readLock(tiny.lockFile)), serial: 7 });
      return { lockFile };
    },
  ],
];
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const messages = new Map<string, string>();
for (const [what, code, words, spoil] of refusals) {
  test(`refused: ${what}`, async () => {
    const copy = await copyOf(tiny);
    const options = { allowedSigners: both, ...(await spoil(copy)) };
    const [first] = await assertRefused(verifyBundle(copy, options));
    assert.ok(first !== undefined);
    assert.equal(first.code, code);
    assert.match(formatProblem(first), words);
    assert.doesNotMatch(first.fix, /^$/);
    messages.set(what, first.subject + first.found.replaceAll(/\w{64}|\d+ bytes/g, "…"));
  });
}

test("no two refusals are the same, except for a text and its signature: nobody can tell which of them was changed", () => {
  assert.equal(new Set(messages.values()).size, refusals.length - 1);
});

test("a KRL of ssh-keygen revokes as a list does, and only whom it names", async () => {
  const krl = join(tiny.folder, "krl");
  execFileSync("ssh-keygen", ["-q", "-k", "-f", krl, `${bob.key}.pub`]);
  const options = { allowedSigners: both, revokedKeys: krl };
  const copy = await copyOf(tiny);
  await signBundle(copy, bob.key);
  const { signers, ignoredSignatures } = await verifyBundle(copy, options);
  assert.deepEqual(signers, ["lab@sealift"]);
  assert.match(
    ignoredSignatures.map(formatProblem).join(),
    /sealift\.json\.2\.sig: found: a key that was revoked \(bob@site/,
  );
  const problems = await assertRefused(verifyBundle(copy, { ...options, minSignatures: 2 }));
  assert.deepEqual(
    problems.map(({ subject }) => subject),
    ["sealift.json.2.sig", "signatures"],
  );
});

function file(): Promise<string> {
  return readLock(tiny.lockFile).then(({ files }) => join(inside.blobs, files[0]?.sha256 ?? ""));
}

async function manifest(): Promise<string> {
  const bundleManifest = JSON.parse(
    await readFile(join(tiny.directory, inside.manifest), "utf8"),
  ) as BundleManifest;
  return join(inside.blobs, bundleManifest.manifests[0]?.digest.slice("sha256:".length) ?? "");
}

function flipped(path: string | (() => Promise<string>)): Spoil {
  return async (copy) => {
    await flipBit(join(copy, typeof path === "string" ? path : await path()));
    return undefined;
  };
}

function without(path: string | (() => Promise<string>)): Spoil {
  return async (copy) => {
    await rm(join(copy, typeof path === "string" ? path : await path()));
    return undefined;
  };
}

/** An allowed signers file beside which another bundle was accepted: of this serial, with another lock. */
async function afterAccepting(serial: number): Promise<string> {
  const allowedSigners = await allow(tiny, [alice, bob]);
  const other = await copyOf(tiny);
  const lock = { ...(await readLock(tiny.lockFile)), serial };
  const lockFile = join(await mkdtemp(join(tiny.folder, "lock-")), inside.lock);
  await writeLock(lockFile, lock);
  // Another text of the same meaning is another lock.
  await writeFile(join(other, inside.lock), `${await readFile(lockFile, "utf8")}# reviewed\n`);
  await rewriteManifest(other, lock);
  await signBundle(other, alice.key);
  await acceptBundle(other, { allowedSigners });
  return allowedSigners;
}
