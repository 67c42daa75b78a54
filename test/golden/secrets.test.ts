import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostSecret } from "../../modules/core/host/blob.ts";
import { deliveriesOf, phasesOf, type HostPhases } from "../../modules/rollout/phases.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleArchive, exampleFacts, exampleFiles, library } from "../support/fixtures/example-host.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { exampleText, siteOf } from "../support/fixtures/site-text.ts";

const hex = (digits: string): string => digits.repeat(32);
const age = {
  ...exampleArchive,
  ...{ version: "1.3.1", sha256: hex("a9"), bytes: 5_000_000 },
  members: [
    { path: "age/age", sha256: hex("aa") },
    { path: "age/age-keygen", sha256: hex("ab") },
  ],
};
const secrets: readonly HostSecret[] = [
  {
    ...{ app: "shop", name: "db_password", owner: "999:999", mode: "0400" },
    ...{ sha256: hex("51"), bytes: 499, path: "secrets/shop-db.age" },
  },
  {
    ...{ app: "shop", name: "token", owner: "0:0", mode: "0440" },
    ...{ sha256: hex("52"), bytes: 612, path: "secrets/shop-token.age" },
  },
  // The same file for another application.
  {
    ...{ app: "report", name: "db", owner: "0:0", mode: "0400" },
    ...{ sha256: hex("51"), bytes: 499, path: "secrets/shop-db.age" },
  },
];
const recoveryKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/** The phases of node-b, with the secrets of its applications. */
function phases(text: string, some: readonly HostSecret[]): HostPhases {
  const host = siteOf(text).hosts.find(({ name }) => name === "node-b");
  assert.ok(host);
  const spec = { ...host, secrets: { age: age.version, recoveryKey } };
  return phasesOf(spec, { ...exampleFiles, age, secrets: some }, exampleFacts);
}

test("plan texts of a host with secrets: their files and age are sent to it", () => {
  assertSamePlan("secrets", "node-b", phases(exampleText, secrets), "delivery", "secrets", "prune");
});

test("a client of the site's registry downloads age; the encrypted files are sent, because no bundle has them", () => {
  assertSamePlan(
    "secrets-registry",
    "node-b",
    phases(withRegistry(own), secrets),
    "delivery",
    "secrets",
    "prune",
  );
});

test("a host without secrets of a site with some is asked for leftovers; a site without has no such phase", () => {
  const none = phases(exampleText, []);
  assert.equal(none.secrets, undefined);
  assert.deepEqual(
    none.prune?.steps.map(({ code, call }) => [code, call]),
    [["prune.secrets", ["secrets_others"]]],
  );
  const [host] = siteOf(exampleText).hosts;
  assert.ok(host);
  assert.equal(phasesOf(host, exampleFiles, exampleFacts).prune, undefined);
});

test("an application gets its secrets by the paths of their files, and a changed one is another path", () => {
  const [host] = siteOf(exampleText).hosts;
  assert.ok(host);
  const signatures = (some: readonly HostSecret[]): readonly (readonly (string | undefined)[])[] => {
    const files = { ...exampleFiles, apps: [exampleApp], age, secrets: some };
    const steps = phasesOf({ ...host, apps: [exampleAppSpec] }, files, exampleFacts).apps?.steps ?? [];
    const release = steps.find(({ call }) => call[0] === "app_release");
    for (const { app, name, sha256 } of some.filter((one) => one.app === "shop"))
      assert.ok(release?.call.join().includes(`"/run/sealift/secrets/${app}/${name}.${sha256.slice(0, 8)}"`));
    return steps.filter(({ call }) => call[0] === "app_service").map(({ call }) => [call[4], call[7]]);
  };
  const before = signatures(secrets);
  const after = signatures(secrets.map((one) => ({ ...one, sha256: hex("53") })));
  const replaced = before.filter(([, signature], at) => after[at]?.[1] !== signature);
  // Not the web server, which uses no secret.
  assert.deepEqual(
    replaced.map(([service]) => service),
    ["migrate", "worker"],
  );
});

test("a file that two applications use is sent once", () => {
  const [host] = siteOf(withRegistry(own)).hosts.filter(({ name }) => name === "node-b");
  assert.ok(host);
  assert.deepEqual(
    deliveriesOf(host, { ...exampleFiles, age, secrets }).map(({ what }) => what),
    [`secret-${hex("51").slice(0, 12)}`, `secret-${hex("52").slice(0, 12)}`],
  );
});

test("every step calls functions of the library, and nothing stops", () => {
  for (const { code, call, effect } of phases(exampleText, secrets).secrets?.steps ?? []) {
    assert.ok(code.startsWith("secrets."), code);
    assert.equal(effect, "none");
    for (const kind of ["check", "apply"])
      assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\)`, "m"));
  }
});
