/** Signers are counted as people: by key and by name, whatever either looks like. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { parseSshKey } from "../../modules/core/ssh-key.ts";
import { verifyBundle, type VerifyOptions } from "../../offline-bundle/verify.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { type Person, person } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";

let tiny: TinyBundle;
let one: Person;
let two: Person;
before(async () => {
  tiny = await makeTinyBundle();
  one = await person(tiny, "one");
  two = await person(tiny, "two");
});
after(() => tiny.remove());

const publicKey = async ({ key }: Pick<Person, "key">): Promise<string> =>
  (await readFile(`${key}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");

/** An allowed signers file with these lines, in a folder of its own. */
async function listed(...lines: readonly string[]): Promise<string> {
  const file = join(await mkdtemp(join(tiny.folder, "signers-")), "allowed_signers");
  await writeFile(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

/** A copy of the bundle that these keys have signed, and nobody else. */
async function signedBy(...keys: readonly string[]): Promise<string> {
  const copy = await copyOf(tiny);
  await rm(join(copy, inside.signature));
  for (const key of keys) await signBundle(copy, key);
  return copy;
}

/** A certificate of a key by an authority: the path of a key file whose certificate lies beside it. */
async function certified(who: Person, authority: Person, principal: string): Promise<string> {
  const folder = await mkdtemp(join(tiny.folder, "cert-"));
  const key = join(folder, "key");
  await writeFile(key, await readFile(who.key), { mode: 0o600 });
  await writeFile(`${key}.pub`, await readFile(`${who.key}.pub`));
  execFileSync("ssh-keygen", ["-q", "-s", authority.key, "-I", principal, "-n", principal, `${key}.pub`]);
  return `${key}-cert.pub`;
}

/** Two signatures that are of one person, and why. */
const onePerson: readonly (readonly [string, () => Promise<readonly [string, string]>])[] = [
  [
    "one key under two names",
    async () => [
      await listed(`alice ${await publicKey(one)}`, `bob ${await publicKey(one)}`),
      await signedBy(one.key),
    ],
  ],
  [
    "one key on one line with two names",
    async () => [await listed(`alice,bob ${await publicKey(one)}`), await signedBy(one.key)],
  ],
  [
    "two keys under one name in capitals and in small letters",
    async () => [
      await listed(`alice ${await publicKey(one)}`, `Alice ${await publicKey(two)}`),
      await signedBy(one.key, two.key),
    ],
  ],
  [
    "two keys under one name that Unicode writes in two ways",
    async () => [
      await listed(`ren\u00e9 ${await publicKey(one)}`, `rene\u0301 ${await publicKey(two)}`),
      await signedBy(one.key, two.key),
    ],
  ],
  [
    "two keys under names that share one in a list",
    async () => [
      await listed(`alice,ops ${await publicKey(one)}`, `bob,ops ${await publicKey(two)}`),
      await signedBy(one.key, two.key),
    ],
  ],
  [
    "two keys, of which one goes by a pattern of the other's name",
    async () => [
      await listed(`*@site ${await publicKey(one)}`, `bob@site ${await publicKey(two)}`),
      await signedBy(one.key, two.key),
    ],
  ],
  [
    "a key that is an authority, and signs as itself and by a certificate that it has made for its own other key",
    async () => [
      await listed(`alice ${await publicKey(one)}`, `bob cert-authority ${await publicKey(one)}`),
      await signedBy(one.key, await certified(two, one, "bob")),
    ],
  ],
  [
    "two certificates of one authority",
    async () => {
      const authority = await person(tiny, "authority");
      return [
        await listed(`* cert-authority ${await publicKey(authority)}`),
        await signedBy(await certified(one, authority, "alice"), await certified(two, authority, "bob")),
      ];
    },
  ],
];

for (const [what, make] of onePerson) {
  test(`one person: ${what}`, async () => {
    const [allowedSigners, copy] = await make();
    assert.equal((await verifyBundle(copy, { allowedSigners })).signers.length, 1);
    const problems = await assertRefused(verifyBundle(copy, { allowedSigners, minSignatures: 2 }));
    assert.match(problems.map(formatProblem).join(), /signatures: found: 1 of 2: signed by /);
  });
}

test("for a certificate its key and its CA are named", async () => {
  const authority = await person(tiny, "authority of one");
  const allowedSigners = await listed(`* cert-authority ${await publicKey(authority)}`);
  const { keys } = await verifyBundle(await signedBy(await certified(one, authority, "alice")), {
    allowedSigners,
  });
  const fingerprints = [one, authority].map(
    ({ key }) => execFileSync("ssh-keygen", ["-l", "-f", `${key}.pub`], { encoding: "utf8" }).split(" ")[1],
  );
  assert.deepEqual(keys, fingerprints.sort());
});

test("two keys under two names are two people", async () => {
  const lines = [`alice,alice@site ${await publicKey(one)}`, `bob,bob@site ${await publicKey(two)}`];
  const options = { allowedSigners: await listed(...lines), minSignatures: 2 };
  const { signers } = await verifyBundle(await signedBy(one.key, two.key), options);
  assert.deepEqual(signers, ["alice", "bob"]);
});

for (const [type, bits, weak] of [
  ["rsa", 2048, true],
  ["rsa", 3071, true],
  ["rsa", 3072, false],
  ["ecdsa", 256, false],
] as const) {
  test(`a key of ${type} and ${bits} bits ${weak ? "does not count" : "counts"}`, async () => {
    const key = join(await mkdtemp(join(tiny.folder, "key-")), "key");
    execFileSync("ssh-keygen", ["-q", "-t", type, "-b", String(bits), "-N", "", "-f", key]);
    const allowedSigners = await listed(`alice ${await publicKey({ key })}`, `bob ${await publicKey(one)}`);
    const work = verifyBundle(await signedBy(key), { allowedSigners });
    if (weak) {
      const [problem] = await assertRefused(work);
      assert.match(
        formatProblem(problem ?? assert.fail()),
        /a key that is too weak \(alice, ssh-rsa, \d+ bits\)/,
      );
    } else assert.deepEqual((await work).signers, ["alice"]);
    const both = verifyBundle(await signedBy(key, one.key), { allowedSigners, minSignatures: 2 });
    if (weak) assert.deepEqual(await codesOf(both), ["E_BUNDLE_SIGNATURE"]);
    else assert.deepEqual((await both).signers, ["alice", "bob"]);
  });
}

test("a key that is truncated or invalid is no key", async () => {
  const [, blob = ""] = (await publicKey(one)).split(" ");
  assert.equal(parseSshKey(blob)?.key, blob);
  for (const other of [
    "",
    "AAAA",
    blob.slice(0, 40),
    `${blob}AAAA`,
    Buffer.from("no key at all").toString("base64"),
  ])
    assert.equal(parseSshKey(other), undefined, other);
});

test("a list of revoked keys without a key is refused; a KRL without one is a list", async () => {
  const allowedSigners = await listed(`alice ${await publicKey(one)}`);
  const copy = await signedBy(one.key);
  const revokedKeys = join(tiny.folder, "revoked");
  const check = (): ReturnType<typeof verifyBundle> => {
    const options: VerifyOptions = { allowedSigners, revokedKeys };
    return verifyBundle(copy, options);
  };
  for (const text of ["", "\n", "# nobody yet\n\n  \n"]) {
    await writeFile(revokedKeys, text);
    const [problem] = await assertRefused(check());
    assert.match(
      formatProblem(problem ?? assert.fail()),
      /E_BUNDLE_SIGNATURE .*an empty list of revoked keys/,
    );
  }
  await rm(revokedKeys);
  execFileSync("ssh-keygen", ["-q", "-k", "-f", revokedKeys]);
  assert.deepEqual((await check()).signers, ["alice"]);
});
