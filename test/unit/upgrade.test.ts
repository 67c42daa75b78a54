/** What changes between two versions of Sealift, from the output of each, and the packages that are refused. */
import assert from "node:assert/strict";
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { namedToolkit } from "../../cli/upgrade/open-toolkit.ts";
import { upgradeText } from "../../cli/upgrade/upgrade-text.ts";
import { SealiftError } from "../../modules/core/errors.ts";
import { siteKeys, usedKeys } from "../../modules/core/site/site-keys.ts";
import { compareToolkits } from "../../modules/rollout/compare-toolkits.ts";
import type { OfflineStep } from "../../modules/rollout/offline-plan.ts";
import { planEnvironments, readToolkitPlan, type ToolkitPlan } from "../../modules/rollout/toolkit-plan.ts";
import { checkout } from "../lab/cache.ts";
import { writeTgz, type TarEntry } from "../support/fixtures/tgz.ts";

const folder = mkdtempSync(join(tmpdir(), "upgrade-"));
// Where packages are unpacked: other processes have temporary folders as well.
process.env["TMPDIR"] = folder;
after(() => {
  rmSync(folder, { recursive: true });
});

const schema = {
  required: ["hosts"],
  properties: {
    hosts: { type: "array", items: { $ref: "#/$defs/host" } },
    classes: { additionalProperties: { $ref: "#/$defs/host" } },
    group: { description: "any text", enum: ["a", "b"] },
  },
  $defs: { host: { type: "object", properties: { port: { type: "integer", default: 22 } } } },
};

test("the keys of a schema are paths with their rules, without texts", () => {
  const keys = siteKeys(schema);
  assert.deepEqual(keys, {
    classes: "{}",
    "classes.*": '{"type":"object"}',
    "classes.*.port": '{"default":22,"type":"integer"}',
    group: '{"enum":["a","b"]}',
    hosts: '{"items":{"type":"object"},"type":"array","required":true}',
    "hosts[].port": '{"default":22,"type":"integer"}',
  });
  const site = { hosts: [{ port: 1 }, { port: 2, unknown: 3 }], classes: { big: { port: 4 } } };
  assert.deepEqual(usedKeys(site, keys), [
    "classes",
    "classes.*",
    "classes.*.port",
    "hosts",
    "hosts[].port",
    "hosts[].unknown",
  ]);
});

const step = (code: string, fact = code): OfflineStep => ({ code, fact, effect: "none", call: code });
const plan = (version: string, steps: readonly OfflineStep[], more: object = {}): ToolkitPlan => ({
  format: 1,
  toolkit: {
    version,
    bundleFormat: 1,
    library: { sha256: "0".repeat(64), bytes: 1 },
    requires: { node: ">=22", commandPlugin: "1.2.1", packages: {} },
    errorCodes: ["E_YAML"],
    siteKeys: {},
    renamedKeys: {},
    ...more,
  },
  environments: [{ environment: "dev", problems: [], keys: ["old"], hosts: [{ name: "a", steps }] }],
});

test("steps are added, removed, changed and moved; equal plans are no change", () => {
  const before = plan("1.0.0", [step("a.1"), step("a.2"), step("a.3"), step("a.4")]);
  const upgrade = compareToolkits(
    before,
    plan("1.1.0", [step("a.3"), step("a.1"), step("a.2", "other"), step("a.5")]),
  );
  assert.equal(upgrade.changes, true);
  assert.deepEqual(
    upgrade.environments[0]?.hosts[0]?.steps.map(({ code, change }) => `${change} ${code}`),
    ["changed a.2", "moved a.3", "removed a.4", "added a.5"],
  );
  assert.equal(
    compareToolkits(before, { ...before, toolkit: { ...before.toolkit, version: "1.0.1" } }).changes,
    false,
  );
});

test("a renamed key is one change in both directions, and a changed rule is shown with both", () => {
  const old = plan("1.0.0", [], { siteKeys: { old: "{}", kept: '{"maximum":1}' } });
  const other = plan("2.0.0", [], {
    siteKeys: { new: "{}", kept: '{"maximum":2}', more: "{}" },
    renamedKeys: { old: ["new"] },
  });
  assert.deepEqual(compareToolkits(old, other).keys, [
    { key: "kept", change: "changed", from: '{"maximum":1}', to: '{"maximum":2}', usedBy: [] },
    { key: "more", change: "added", to: "{}", usedBy: [] },
    { key: "old", change: "renamed", from: "old", to: "new", usedBy: ["dev"] },
  ]);
  const back = compareToolkits(other, old);
  assert.equal(back.downgrade, true);
  assert.deepEqual(
    back.keys.map(({ key, change, to }) => [key, change, to]),
    [
      ["kept", "changed", '{"maximum":1}'],
      ["more", "removed", undefined],
      ["new", "renamed", "old"],
    ],
  );
});

test("the order of versions is that of Semantic Versioning", () => {
  const ordered = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.10",
    "1.2.0",
  ];
  for (const [at, version] of ordered.entries())
    for (const [other, to] of ordered.entries())
      assert.equal(
        compareToolkits(plan(version, []), plan(to, [])).downgrade,
        other < at,
        `${version} -> ${to}`,
      );
});

test("an environment that the current version refuses is not compared", () => {
  const before = plan("1.0.0", [step("a.1")]);
  const problem = {
    where: "x",
    code: "E_YAML",
    subject: "s",
    found: "f\u001b[2J",
    expected: "e",
    fix: "x",
  } as const;
  const refused = {
    ...before,
    environments: before.environments.map((one) => ({ ...one, problems: [problem] })),
  };
  const upgrade = compareToolkits(refused, plan("1.0.1", []));
  assert.deepEqual(
    upgrade.environments.map(({ compared, current, hosts }) => [compared, current.length, hosts.length]),
    [[false, 1, 0]],
  );
  const text = upgradeText(upgrade, ["next"]);
  assert.match(text, /^dev: not compared, the installed version has no plan of it$/m);
  assert.doesNotMatch(text, /nothing changes|\u001b\[2J/);
});

test("equal changes of several hosts are one row", () => {
  const hosts = (steps: readonly OfflineStep[]): ToolkitPlan["environments"] => [
    { environment: "dev", problems: [], keys: [], hosts: ["a", "b", "c"].map((name) => ({ name, steps })) },
  ];
  const [from, to] = [plan("1.0.0", []), plan("1.1.0", [])];
  const upgrade = compareToolkits(
    { ...from, environments: hosts([step("a.1")]) },
    { ...to, environments: hosts([step("a.1", "now other")]) },
  );
  assert.match(upgradeText(upgrade, []), /^ {2}changed {2}a\.1 {2}3 hosts {2}a\.1 -> now other$/m);
});

test("the output of this version is of its format; another text is not", async () => {
  const written = await planEnvironments(["example"]);
  const [environment] = written.environments;
  assert.ok(environment !== undefined);
  assert.deepEqual(environment.problems, []);
  for (const { steps } of environment.hosts) assert.ok(steps.length > 50);
  assert.deepEqual(readToolkitPlan(JSON.stringify(written)), written);
  const { toolkit, ...cut } = written;
  for (const text of ["", "null", JSON.stringify(cut), JSON.stringify({ ...written, format: 2, toolkit })])
    assert.equal(readToolkitPlan(text), undefined);
});

const installed = { named: checkout, folder: checkout, close: () => Promise.resolve() };
const open = (named: string): ReturnType<typeof namedToolkit> =>
  namedToolkit(named, { ...installed, manifest: { name: "sealift", version: "0.1.0", dependencies: {} } });

async function tarball(name: string, entries: readonly TarEntry[]): Promise<string> {
  const file = join(folder, `${name}.tgz`);
  await writeTgz(entries, createWriteStream(file));
  return file;
}

const manifest = (content: object): TarEntry => ({
  path: "package/package.json",
  content: JSON.stringify(content),
});
const own = manifest({ name: "sealift", version: "9.0.0" });

test("a tarball is unpacked outside the repository and removed; a folder is left as it is", async () => {
  const opened = await open(await tarball("good", [own, { path: "package/cli/sealift.js", content: "1" }]));
  assert.deepEqual(readdirSync(opened.folder, { recursive: true }).toSorted(), [
    "cli",
    "cli/sealift.js",
    "package.json",
  ]);
  assert.ok(opened.folder.startsWith(tmpdir()));
  await opened.close();
  assert.throws(() => readdirSync(opened.folder), /ENOENT/);
  const below = join(folder, "installed", "node_modules", "sealift");
  mkdirSync(below, { recursive: true });
  writeFileSync(join(below, "package.json"), '{ "name": "sealift", "version": "8.0.0" }');
  const found = await open(join(folder, "installed"));
  assert.equal(found.manifest.version, "8.0.0");
  await found.close();
  assert.deepEqual(readdirSync(below), ["package.json"]);
});

test("what is no package of Sealift, or would leave its folder, is refused, and nothing of it remains", async () => {
  const bytes = join(folder, "bytes.tgz");
  writeFileSync(bytes, "bytes");
  mkdirSync(join(folder, "empty"));
  for (const [file, found] of [
    [await tarball("other", [manifest({ name: "other", version: "1.0.0" })]), "other"],
    [
      await tarball("list", [{ path: "package/package.json", content: "[]" }]),
      "a package.json that is not a JSON object",
    ],
    [await tarball("none", [{ path: "package/LICENSE", content: "x" }]), "no package.json"],
    [
      await tarball("up", [own, { path: "package/../../x", content: "x" }]),
      "the entry package/../../x (file)",
    ],
    [await tarball("root", [own, { path: "/x", content: "x" }]), "the entry /x (file)"],
    [await tarball("link", [own, { path: "package/x", target: "/" }]), "the entry package/x (symlink)"],
    [
      await tarball("large", [own, { path: "package/x", content: Buffer.alloc(33 << 20) }]),
      "Cannot create a Buffer larger than 33554432 bytes",
    ],
    [bytes, "incorrect header check"],
    [join(folder, "empty"), "no package.json"],
  ] as const)
    await assert.rejects(open(file), (error) => {
      assert.ok(error instanceof SealiftError, String(error));
      assert.equal(
        error.message,
        `${file}: E_VALUE package: found: ${found}; expected: a package of Sealift: sealift-<version>.tgz, or a folder in which it is ` +
          "installed; fix: compare its sha256 with SHA256SUMS, or name another file",
      );
      return true;
    });
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith("sealift-upgrade-")),
    [],
  );
});
