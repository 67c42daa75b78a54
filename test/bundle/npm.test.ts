/** npm packages: from package-lock.json over the bundle to node_modules, and what is refused on the way. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { stringify } from "yaml";
import type { Problem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { fetchBundle } from "../../offline-bundle/fetch.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { checkLock } from "../../offline-bundle/locking/lock-check.ts";
import { registryContent } from "../../modules/registry/content.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { checkout } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { tgzOf } from "../support/fixtures/deb-package.ts";
import { sourcesUnderTest, type SourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { type ProcessResult, runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";
import {
  npmPackage,
  type NpmRegistry,
  type PublishedPackage,
  published,
  startNpmRegistry,
} from "../support/servers/npm-registry.ts";

let site: SourcesUnderTest;
let registry: NpmRegistry;
let key: Awaited<ReturnType<typeof ensureSigningKey>>;
let one: PublishedPackage;
let old: PublishedPackage;
let scoped: PublishedPackage;
let only: PublishedPackage;
let local: PublishedPackage;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  [one, old, scoped, only, local] = await Promise.all([
    npmPackage("one", "2.0.0"),
    npmPackage("one", "1.5.0"),
    npmPackage("@team/two.js", "1.0.0-rc.1"),
    npmPackage("only-arm", "1.0.0"),
    npmPackage("local", "0.1.0"),
  ]);
  registry = await startNpmRegistry([one, old, scoped, only]);
  undo(() => registry.stop());
  const npm = { registry: registry.url, cache: join(site.folder, "npm-cache") };
  for (const [name, value] of Object.entries(npm)) process.env[`npm_config_${name}`] = value;
  undo(() => {
    for (const name of Object.keys(npm)) Reflect.deleteProperty(process.env, `npm_config_${name}`);
  });
  key = await ensureSigningKey(join(site.folder, "key"));
});

const at = (...path: readonly string[]): string => join(site.folder, ...path);
const files = (): { readonly bundleFile: string; readonly lockFile: string; readonly store: string } => ({
  bundleFile: at("repository", "offline-bundle", "bundle.yaml"),
  lockFile: at("repository", "offline-bundle", "bundle.lock.yaml"),
  store: site.store,
});

/** What package-lock.json says of a package. */
function entry({ version, integrity }: PublishedPackage, more: object = {}): object {
  return { version, integrity, license: "MIT", ...more };
}

/** Dependencies of the repository, and what package-lock.json says of them. */
function packages(): Record<string, object> {
  return {
    "node_modules/one": entry(one),
    "node_modules/@team/two.js": entry(scoped, { dependencies: { one: "1.5.0" } }),
    "node_modules/@team/two.js/node_modules/one": entry(old),
    "node_modules/only-arm": entry(only, { optional: true, os: ["linux"], cpu: ["arm64"] }),
    "node_modules/only-mac": { version: "1.0.0", optional: true, os: ["darwin"], integrity: one.integrity },
    "node_modules/local": entry(local, { resolved: "file:vendor/local-0.1.0.tgz" }),
  };
}

async function write(folder: string, all: Record<string, object>, more: object = {}): Promise<void> {
  const dependencies = { one: "2.0.0", "@team/two.js": "1.0.0-rc.1", local: "file:vendor/local-0.1.0.tgz" };
  const optionalDependencies = { "only-arm": "1.0.0", "only-mac": "1.0.0" };
  const root = { name: "repository", version: "1.0.0", dependencies, optionalDependencies };
  const lock = { name: "repository", version: "1.0.0", lockfileVersion: 3, requires: true };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify(root));
  const text = JSON.stringify({ ...lock, packages: { "": root, ...all }, ...more });
  await writeFile(join(folder, "package-lock.json"), text);
}

beforeEach(async () => {
  await rm(at("repository"), { recursive: true, force: true });
  await mkdir(at("repository", "vendor"), { recursive: true });
  await mkdir(at("repository", "offline-bundle"));
  await writeFile(at("repository", "vendor", "local-0.1.0.tgz"), local.bytes);
  await write(at("repository"), packages());
  const platforms = ["linux/amd64", "linux/arm64"];
  await writeFile(files().bundleFile, stringify({ platforms, npm: { lockfile: "../package-lock.json" } }));
});

/** As a person on the air-gapped side types it, in another repository with the same package-lock.json. */
function install(folder: string, ...command: readonly string[]): Promise<ProcessResult> {
  // The registry of the connected side is not there: a request to it fails.
  const env = { npm_config_registry: "http://127.0.0.1:9/", HOME: site.folder };
  return runProcess(process.execPath, command, { cwd: folder, env });
}

test("every package of package-lock.json is locked, fetched, built and installed from the bundle", async () => {
  const { lock } = await lockBundle(files());
  assert.deepEqual(
    lock.files.map(
      (file) => `${file.name} ${file.version} ${file.platform} ${file.url} ${file.origin ?? ""}`,
    ),
    [
      "npm-local 0.1.0 any npm:local@file:vendor/local-0.1.0.tgz checksum",
      "npm-one 1.5.0 any npm:one@1.5.0 checksum",
      "npm-one 2.0.0 any npm:one@2.0.0 checksum",
      "npm-only-arm 1.0.0 linux/arm64 npm:only-arm@1.0.0 checksum",
      "npm-team-two-js-bfeb1208 1.0.0-rc.1 any npm:@team/two.js@1.0.0-rc.1 checksum",
    ],
  );
  assert.deepEqual((await checkLock(files().lockFile)).problems, []);
  await rm(site.store, { recursive: true });
  assert.equal((await fetchBundle(files())).files, 5);
  const bundle = at("bundle");
  const asked = registry.requests.length;
  await buildBundle({ ...files(), directory: bundle, key: key.file });
  const verified = await verifyBundle(bundle, { allowedSigners: key.allowedSigners });
  assert.equal(verified.tree.index.manifests?.length, 5);
  assert.deepEqual(registryContent(verified).manifests, [], "hosts are not given them");
  const again = await lockBundle({ ...files(), check: true });
  assert.equal(again.changed, false);
  assert.equal(registry.requests.length, asked, "a build after a fetch asks no registry");

  for (const command of [
    [join(checkout, "cli/sealift.js"), "bundle", "npm-ci", bundle, "--allowed-signers", key.allowedSigners],
    [join(checkout, "cli/first-install.ts"), bundle, key.allowedSigners],
  ]) {
    const inside = at("inside");
    await write(inside, packages());
    const { exitCode, stdout, stderr } = await install(inside, ...command);
    assert.equal(exitCode, 0, stderr);
    const packed = process.arch === "arm64" ? 5 : 4;
    assert.equal(stdout.trim(), `node_modules: ${packed} packages, each as package-lock.json pins it`);
    const program = "console.log(require('one'), require('@team/two.js'), require('local'))";
    const loaded = await runProcess(process.execPath, ["-e", program], { cwd: inside });
    assert.equal(loaded.stdout, "one@2.0.0 @team/two.js@1.0.0-rc.1 local@0.1.0", loaded.stderr);
    assert.ok(existsSync(join(inside, "node_modules/@team/two.js/node_modules/one/index.js")));
    await rm(inside, { recursive: true });
  }
  assert.equal(registry.requests.length, asked, "an installation from the bundle asks no other registry");
});

test("addresses in package-lock.json lead to the registry of the bundle as well", async () => {
  const resolved = (name: string, version: string): object => ({
    resolved: `https://mirror.invalid/npm/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`,
  });
  const all = {
    ...packages(),
    "node_modules/one": entry(one, resolved("one", "2.0.0")),
    "node_modules/@team/two.js": entry(scoped, resolved("@team/two.js", "1.0.0-rc.1")),
  };
  await write(at("repository"), all);
  await lockBundle(files());
  await buildBundle({ ...files(), directory: at("bundle"), key: key.file });
  await write(at("inside"), all);
  const command = [join(checkout, "cli/first-install.ts"), at("bundle"), key.allowedSigners];
  const { exitCode, stderr } = await install(at("inside"), ...command);
  assert.equal(exitCode, 0, stderr);
  assert.ok(existsSync(at("inside/node_modules/@team/two.js/index.js")));
  await rm(at("inside"), { recursive: true });
});

test("what a bundle cannot carry is refused by name, all of it at once", async () => {
  const sha1 = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
  await write(at("repository"), {
    "node_modules/from-git": { version: "1.0.0", resolved: "git+ssh://git@example.com/a.git#abc" },
    "node_modules/bare": { version: "1.0.0" },
    "node_modules/weak": { version: "1.0.0", integrity: sha1 },
    "node_modules/linked": { link: true, resolved: "packages/linked" },
    "packages/linked": { version: "1.0.0" },
    "node_modules/mac": entry(one, { os: ["darwin"], cpu: ["!x64"] }),
    "node_modules/musl": entry(one, { libc: ["musl"] }),
    "node_modules/../../etc/passwd": entry(one),
    "node_modules/aliased": entry(one, { name: "../../aliased" }),
    "node_modules/-option": entry(one),
    "node_modules/version": { version: "../1", integrity: one.integrity },
    "node_modules/outside": entry(local, { resolved: "file:../outside.tgz" }),
    "node_modules/root": entry(local, { resolved: "file:/etc/passwd" }),
    "node_modules/hidden": entry(local, { resolved: "file:vendor/.git/x.tgz" }),
    "node_modules/two": { ...entry(one), integrity: `${one.integrity} ${old.integrity}` },
    "node_modules/twice/node_modules/one": entry(one),
    "node_modules/one": entry({ ...one, integrity: old.integrity }),
    "node_modules/inside": { inBundle: true, version: "1.0.0" },
  });
  const problems = await assertRefused(lockBundle(files()));
  assert.deepEqual(
    problems.map(({ code, subject, found }) => `${code} ${subject}: ${found.slice(0, 40)}`),
    [
      "E_PACKAGE_LOCK node_modules/from-git: git+ssh://***@example.com/a.git#abc",
      "E_PACKAGE_LOCK node_modules/bare: no integrity",
      `E_PACKAGE_LOCK node_modules/weak: ${sha1}`,
      "E_PACKAGE_LOCK node_modules/linked: a folder or a workspace",
      "E_PACKAGE_LOCK packages/linked: a folder or a workspace",
      "E_PACKAGE_LOCK node_modules/mac: for os darwin, cpu !x64",
      "E_PACKAGE_LOCK node_modules/musl: for libc musl",
      'E_PACKAGE_LOCK node_modules/../../etc/passwd: "../../etc/passwd"',
      'E_PACKAGE_LOCK node_modules/aliased: "../../aliased"',
      'E_PACKAGE_LOCK node_modules/-option: "-option"',
      'E_PACKAGE_LOCK node_modules/version: "../1"',
      "E_PACKAGE_LOCK node_modules/outside: file:../outside.tgz",
      "E_PACKAGE_LOCK node_modules/root: file:/etc/passwd",
      "E_PACKAGE_LOCK node_modules/hidden: file:vendor/.git/x.tgz",
      `E_PACKAGE_LOCK node_modules/two: ${one.integrity.slice(0, 40)}`,
      `E_PACKAGE_LOCK node_modules/one: ${old.integrity.slice(0, 40)}`,
    ],
  );
});

test("a package-lock.json of another version, without packages, too large, or absent is refused", async () => {
  const cases: readonly (readonly [string | undefined, RegExp])[] = [
    [JSON.stringify({ lockfileVersion: 1, dependencies: {} }), /^lockfileVersion 1$/],
    ["[]", /^lockfileVersion a text that is not a JSON object$/],
    [JSON.stringify({ lockfileVersion: 3, packages: { "node_modules/a": 1 } }), /^packages not an object/],
    [" ".repeat(16 * 1024 * 1024 + 1), /^file \d+ bytes, more than 16777216 bytes$/],
    [undefined, /^file ENOENT/],
  ];
  for (const [text, pattern] of cases) {
    const path = at("repository", "package-lock.json");
    if (text === undefined) await rm(path);
    else await writeFile(path, text);
    const [problem] = await assertRefused(lockBundle(files()));
    assert.equal(problem?.code, "E_PACKAGE_LOCK");
    assert.match(`${problem.subject} ${problem.found}`, pattern);
  }
});

/** Code, subject and found of each problem. */
function reported(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, subject, found }) => `${code} ${subject} ${found}`);
}

test("a package with other bytes than package-lock.json pins reaches neither lock nor bundle", async () => {
  const other = await npmPackage("one", "2.0.0", { description: "other" });
  await rm(site.store, { recursive: true, force: true });
  registry.publish(other);
  assert.deepEqual(reported(await assertRefused(lockBundle(files()))), [
    `E_DOWNLOAD_SHA256 one@2.0.0 ${other.integrity}`,
  ]);
  registry.publish(one);
  await lockBundle(files());

  // A registry that lies after the lock, and a changed file in the cache.
  await rm(site.store, { recursive: true });
  registry.publish(other);
  assert.deepEqual(reported(await assertRefused(fetchBundle(files()))), [
    `E_DOWNLOAD_SHA256 one@2.0.0 ${other.integrity}`,
  ]);
  registry.publish(one);
  await fetchBundle(files());
  await writeFile(at("repository", "vendor", "local-0.1.0.tgz"), other.bytes);
  const [changed] = await assertRefused(buildBundle({ ...files(), directory: at("other") }));
  assert.equal(changed?.code, "E_PIN_MISMATCH");

  // Its own name, or members that would lead outside.
  const escaping = await tgzOf([{ path: "../x", content: "x" }]);
  const wrong = [
    await npmPackage("else", "9.0.0", { name: "other" }),
    published("escaping", "9.0.0", escaping),
    published("text", "9.0.0", Buffer.from("no archive")),
  ];
  for (const each of wrong) registry.publish(each);
  const all = wrong.map((each) => [`node_modules/${each.name}`, entry(each)] as const);
  await write(at("repository"), Object.fromEntries(all));
  const problems = reported(await assertRefused(lockBundle(files())));
  assert.deepEqual(problems, [
    "E_PIN_MISMATCH npm-else 9.0.0 any name other",
    'E_ARCHIVE archive a member "../x"',
    "E_ARCHIVE archive incorrect header check",
  ]);
});

test("a package that no registry has is refused by name", async () => {
  await rm(site.store, { recursive: true, force: true });
  const missing = await npmPackage("missing", "1.0.0");
  await write(at("repository"), { "node_modules/one": entry(one), "node_modules/missing": entry(missing) });
  const problems = await assertRefused(lockBundle(files()));
  assert.equal(problems.length, 1);
  assert.match(
    reported(problems).join("\n"),
    /^E_DOWNLOAD missing@1\.0\.0 npm ended with exit code 1: .*404/,
  );
});

test("a lock of another package-lock.json is stale, and so is a bundle", async () => {
  await lockBundle(files());
  const next = await npmPackage("one", "2.0.0", { description: "next" });
  await write(at("repository"), { ...packages(), "node_modules/one": entry(next) });
  const building = { ...files(), directory: at("other") };
  for (const verb of [(): Promise<unknown> => fetchBundle(files()), () => buildBundle(building)])
    assert.deepEqual([...new Set((await assertRefused(verb())).map(({ code }) => code))], ["E_LOCK_STALE"]);
  registry.publish(next);
  const [problem] = await assertRefused(lockBundle(files()));
  assert.equal(problem?.code, "E_DOWNLOAD_SHA256", "a pin changes only on request");
  await lockBundle({ ...files(), update: ["npm-one"] });
  registry.publish(one);
  const pin = (await readLock(files().lockFile)).files.find(({ url }) => url === "npm:one@2.0.0");
  assert.equal(pin?.integrity, next.integrity);
});

test("a bundle that lacks a package, or has other bytes, installs nothing", async () => {
  await lockBundle(files());
  const bundle = at("bundle");
  await buildBundle({ ...files(), directory: bundle, key: key.file });
  const first = [join(checkout, "cli/first-install.ts"), bundle, key.allowedSigners];
  const extra = await npmPackage("extra", "1.0.0");
  await write(at("inside"), { ...packages(), "node_modules/extra": entry(extra) });
  const lacking = await install(at("inside"), ...first);
  assert.equal(lacking.exitCode, 65);
  assert.match(
    lacking.stderr,
    /^package-lock\.json: E_NOT_IN_LOCK extra@1\.0\.0: found: not in the bundle; /,
  );

  await write(at("inside"), packages());
  const pin = (await readLock(files().lockFile)).files.find(({ url }) => url === "npm:one@2.0.0");
  const blob = join(bundle, "blobs", "sha256", pin?.sha256 ?? "");
  const bytes = await readFile(blob);
  await chmod(blob, 0o644);
  await writeFile(blob, Buffer.alloc(bytes.length));
  const broken = await install(at("inside"), ...first);
  assert.equal(broken.exitCode, 65);
  assert.match(broken.stderr, /: E_BUNDLE_DIGEST one@2\.0\.0: found: sha256 [0-9a-f]{64}; /);
  assert.equal(existsSync(at("inside", "node_modules", "one", "index.js")), false);

  const otherSigner = await ensureSigningKey(at("stranger"));
  const untrusted = await install(at("inside"), first[0] ?? "", bundle, otherSigner.allowedSigners);
  assert.equal(untrusted.exitCode, 77);
  assert.match(untrusted.stderr, /E_BUNDLE_SIGNATURE/);
});
