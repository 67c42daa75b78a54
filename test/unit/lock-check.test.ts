import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { checkLock } from "../../offline-bundle/locking/lock-check.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { undoAfter } from "../support/process/undo.ts";

const shipped = join(checkout, "offline-bundle", "bundle.lock.yaml");
let folder: string;
let text: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "lock-"));
  undo(() => rm(folder, { recursive: true }));
  text = await readFile(shipped, "utf8");
});

test("the shipped lock passes", async () => {
  assert.deepEqual((await checkLock(shipped)).problems, []);
});

test("a pin attested by one source only is reported at its line; two files of one publisher are one source", async () => {
  const line = "      - konstruktoid/ansible-role-docker-rootless defaults/main.yml (tag v1.4.0)\n";
  const one = await problemsOf(text.replace(line, ""));
  assert.equal(one.length, 1);
  assert.match(
    one.join(),
    /:18:7: E_PIN_SOURCES docker 28\.5\.2 linux\/amd64: found: fewer than two: kubernetes\/minikube .*computed-here$/,
  );
  const twice = await problemsOf(text.replace(line, "      - kubernetes/minikube other.hash\n"));
  assert.match(twice.join(), /E_PIN_SOURCES docker 28\.5\.2 linux\/amd64/);
  assert.deepEqual(await problemsOf(text.replace(line, "      - computed-here\n")), []);
});

test("one party that publishes in several places, and the file's own server, are no second source", async () => {
  const [first, second] = [
    "      - konstruktoid/ansible-role-docker-rootless defaults/main.yml (tag v1.4.0)\n",
    "      - kubernetes/minikube deploy/iso/minikube-iso/arch/x86_64/package/docker-bin/docker-bin.hash (commit eb25dbc70370)\n",
  ];
  const with2 = (...sources: readonly string[]): Promise<readonly string[]> =>
    problemsOf(text.replace(first + second, sources.map((source) => `      - ${source}\n`).join("")));
  for (const [one, other] of [
    ["https://one.example/a.sha256", "https://one.example/b/SHA256SUMS"],
    ["https://one.example/a.sha256", "https://download.docker.com/SHA256SUMS"],
    ["acme/one file", "https://raw.githubusercontent.com/Acme/two/main/file"],
    ["https://github.com/acme/one/x", "https://acme.github.io/y"],
  ] as const)
    assert.match((await with2(one, other)).join(), /E_PIN_SOURCES docker 28\.5\.2 linux\/amd64/, other);
  const good = ["https://one.example/a.sha256", "https://github.com/acme/one/x"];
  assert.deepEqual(await with2(...good), []);
});

test("a file that one platform lacks, and a licence that is no SPDX expression, are reported", async () => {
  const lacking = text.replace(
    / {2}- name: docker\n {4}version: 28\.5\.2\n {4}platform: linux\/arm64\n(?: {4}.*\n)+/,
    "",
  );
  assert.match(
    (await problemsOf(lacking)).join(),
    /:10:5: E_BUNDLE_PLATFORM docker 28\.5\.2: found: pins for linux\/amd64 only; expected: a pin for linux\/arm64 as well/,
  );
  for (const licence of ["see the website", "Apache 2.0"]) {
    const problems = await problemsOf(text.replace("licence: Apache-2.0", `licence: ${licence}`));
    assert.match(problems.join(), /:16:14: E_VALUE docker 28\.5\.2 linux\/amd64: found: /, licence);
  }
  assert.deepEqual(
    await problemsOf(text.replace("licence: Apache-2.0", "licence: (MIT OR Apache-2.0) AND BSD-3-Clause")),
    [],
  );
});

test("a pin without sha256, url, licence or sources is no pin", async () => {
  const empty = join(folder, "lock.yaml");
  await writeFile(empty, text.replace("licence: Apache-2.0", 'licence: ""'));
  const [nothing] = await assertRefused(checkLock(empty));
  assert.deepEqual([nothing?.code, nothing?.subject], ["E_VALUE", "files[0].licence"]);
  for (const key of ["sha256", "url", "licence"]) {
    const lock = join(folder, "lock.yaml");
    await writeFile(lock, text.replace(new RegExp(`^ {4}${key}: .*\n`, "m"), ""));
    const [problem] = await assertRefused(checkLock(lock));
    assert.equal(problem?.code, "E_KEY_MISSING", key);
    assert.equal(problem.subject, `files[0].${key}`);
  }
});

async function problemsOf(lockText: string): Promise<readonly string[]> {
  assert.notEqual(lockText, text);
  const lock = join(folder, "lock.yaml");
  await writeFile(lock, lockText);
  return (await checkLock(lock)).problems.map(formatProblem);
}
