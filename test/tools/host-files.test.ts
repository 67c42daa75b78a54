import assert from "node:assert/strict";
import { before, test } from "node:test";
import { formatProblem, type Problem } from "../../modules/core/errors.ts";
import type { HostFiles, HostImage } from "../../modules/core/host/blob.ts";
import type { EngineChoice } from "../../modules/core/site/site-spec.ts";
import { presentRetainedBlobs } from "../../modules/core/host/delivery.ts";
import { hostFiles } from "../../modules/engine/from-bundle.ts";
import { retainedBlobsOf } from "../../modules/rollout/phases.ts";
import type { Bundle } from "../../offline-bundle/oci/layout.ts";
import type { BundleApp } from "../../offline-bundle/spec/lock-index.ts";
import { openBundle } from "../../offline-bundle/oci/read-bundle.ts";
import { appWith } from "../support/fixtures/app-with.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let bundle: Bundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bundle = await openBundle(tiny.directory);
});

const taken = (engine: EngineChoice): HostFiles | readonly Problem[] =>
  hostFiles({ ...exampleHost(), engine }, bundle, "stack.yaml");

test("an engine and its plugin, with the bytes for this host's architecture", () => {
  const found = taken({ version: "28.5.2", compose: "5.5.1" });
  assert.ok("archive" in found);
  assert.equal(found.archive.version, "28.5.2");
  assert.deepEqual(
    found.plugins.map(({ name, version }) => `${name} ${version}`),
    ["compose 5.5.1"],
  );
  assert.ok(found.plugins.every(({ bytes, path }) => bytes > 0 && path.startsWith(tiny.folder)));
});

test("no plugin that the site does not name", () => {
  const found = taken({ version: "28.5.2" });
  assert.ok("archive" in found && found.plugins.length === 0);
});

test("other versions in the bundle are copied only to a host that has them already, so that a downgrade sends nothing", () => {
  const found = taken({ version: "28.5.2" });
  assert.ok("archive" in found);
  const spares = retainedBlobsOf(exampleHost(), found);
  const compose = bundle.binary("compose", "5.5.1", "amd64");
  assert.deepEqual(
    spares.map(({ sha256 }) => sha256),
    [compose?.sha256],
  );
  const [{ what } = { what: "none" }] = spares;
  const readFrom = (value: string) => {
    const report = { steps: [], revision: undefined, values: { "delivery.retained": value } };
    return presentRetainedBlobs(spares, { kind: "reached", report });
  };
  assert.deepEqual(readFrom(what), spares);
  assert.deepEqual(readFrom(""), []);
});

test("the projects and images of other versions of an application are retained like engines, each blob once", () => {
  const release = (version: string, digit: string): BundleApp => ({
    ...{
      name: "shop",
      version,
      platform: "any",
      sha256: digit.repeat(64),
      bytes: 10,
      path: digit,
      members: [],
    },
    project: { file: "compose.yaml", services: [] },
    images: [
      {
        name: `docker.io/shop/web:${version}`,
        digest: `sha256:${digit}${"e".repeat(63)}`,
        sources: ["computed-here"],
        platforms: ["linux/amd64"],
      },
    ],
  });
  const releases = [
    release("1.0.0", "1"),
    release("1.1.0", "2"),
    { ...release("9.0.0", "9"), name: "ledger" },
  ];
  const withApps: Bundle = {
    ...bundle,
    lock: {
      ...bundle.lock,
      files: [
        ...bundle.lock.files,
        ...releases.map(({ name, version, sha256, project }) => ({
          ...{ name, version, sha256, project, platform: "any" as const, kind: "app" as const, bytes: 10 },
          ...{ url: "app:../apps/compose.yaml", licence: "MIT", sources: ["computed-here"], members: [] },
        })),
      ],
    },
    app: (name, version) => releases.find((one) => one.name === name && one.version === version),
    apps: () => releases,
  };
  const host = {
    ...exampleHost(),
    engine: { version: "28.5.2" },
    apps: [{ ...appWith("shop", {}), version: "1.1.0" }],
  };
  const found = hostFiles(host, withApps, "stack.yaml");
  assert.ok("archive" in found, JSON.stringify(found));
  const content = (...layers: readonly string[]): NonNullable<HostImage["content"]> => ({
    ...{ mediaType: "", bytes: 1 },
    blobs: layers.map((sha256) => ({ sha256, bytes: 1, path: sha256 })),
  });
  const fill = (images: readonly HostImage[] = [], ...layers: readonly string[]): readonly HostImage[] =>
    images.map((image) => ({ ...image, content: content(...layers) }));
  const files = {
    ...found,
    images: fill(found.images, "new", "shared"),
    otherImages: fill(found.otherImages, "old", "shared"),
  };
  const retained = retainedBlobsOf(host, files).map(({ sha256 }) => sha256);
  const compose = bundle.binary("compose", "5.5.1", "amd64")?.sha256;
  assert.deepEqual(retained, [compose, "1".repeat(64), "old"]);
  assert.deepEqual(
    found.otherImages?.map(({ name }) => name),
    ["docker.io/shop/web:1.0.0"],
  );
  const registry = siteOf(withRegistry(own)).hosts[0];
  assert.ok(registry !== undefined);
  assert.deepEqual(retainedBlobsOf(registry, files), []);
});

test("age is needed only where applications have secrets, and a bundle without it is refused", () => {
  const secrets = {
    age: "1.3.1",
    recoveryKey: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
  };
  const host = { ...exampleHost(), secrets };
  const engine = { version: "28.5.2" };
  assert.ok("archive" in hostFiles({ ...host, engine }, bundle, "stack.yaml"));
  const apps = [appWith("shop", { db: { file: "secrets/shop-db.age" } })];
  const found = hostFiles({ ...host, engine, apps }, bundle, "stack.yaml");
  assert.ok(!("archive" in found));
  // The application is not in this bundle either.
  assert.deepEqual(found.slice(1).map(formatProblem), [
    "stack.yaml: E_AGE_NOT_IN_BUNDLE node-a secrets.age: found: 1.3.1 for linux/amd64; expected: an age of the bundle: none; fix: choose one of these versions, or bring in a bundle that has this one",
  ]);
});

test("restic and rest-server are needed only where backups are made or stored, and a bundle without them is refused", () => {
  const programs = { restic: "0.19.1", restServer: "0.14.0" };
  const address = { address: "10.20.0.12", port: 8000 };
  const password = "secrets/restic.age";
  const backup = { restic: "0.19.1", password, store: { host: "node-b", ...address } };
  const store = {
    ...{ ...programs, ...address, mount: "/backup", keep: {} },
    ...{ logins: [], repositories: [], copies: [] },
  };
  const codesOf = (more: object): readonly string[] => {
    const found = hostFiles(
      { ...exampleHost(), engine: { version: "28.5.2" }, ...more },
      bundle,
      "stack.yaml",
    );
    return "archive" in found ? [] : found.map(formatProblem);
  };
  const missing = (key: string, version: string, program: string): string =>
    `stack.yaml: E_BACKUP_NOT_IN_BUNDLE node-a backups.${key}: found: ${version} for linux/amd64; expected: a ${program} of the bundle: none; fix: choose one of these versions, or bring in a bundle that has this one`;
  assert.deepEqual(codesOf({}), []);
  assert.deepEqual(codesOf({ backup }), [missing("restic", "0.19.1", "restic")]);
  assert.deepEqual(codesOf({ store }), [
    missing("restic", "0.19.1", "restic"),
    missing("restServer", "0.14.0", "rest-server"),
  ]);
});

test("every version that the bundle lacks is reported at once, with those that it has", () => {
  const found = taken({ version: "1.2.3", compose: "9.9.9", buildx: "9.9.9" });
  assert.ok(!("archive" in found));
  assert.deepEqual(found.map(formatProblem), [
    "stack.yaml: E_ENGINE_NOT_IN_BUNDLE node-a engine.version: found: 1.2.3 for linux/amd64; expected: an engine of the bundle: 28.5.2 (linux/amd64), 28.5.2 (linux/arm64); fix: choose one of these versions, or bring in a bundle that has this one",
    "stack.yaml: E_PLUGIN_NOT_IN_BUNDLE node-a engine.compose: found: 9.9.9 for linux/amd64; expected: a compose of the bundle: 5.5.1 (linux/amd64), 5.5.1 (linux/arm64); fix: choose one of these versions, or bring in a bundle that has this one",
    "stack.yaml: E_PLUGIN_NOT_IN_BUNDLE node-a engine.buildx: found: 9.9.9 for linux/amd64; expected: a buildx of the bundle: none; fix: choose one of these versions, or bring in a bundle that has this one",
  ]);
});

test("a registry that the bundle lacks is refused like an engine", () => {
  const [registry] = siteOf(withRegistry(own.replace("3.1.2", "9.9.9"))).hosts;
  assert.ok(registry !== undefined);
  const found = hostFiles({ ...registry, engine: { version: "28.5.2" } }, bundle, "stack.yaml");
  assert.ok(!("archive" in found));
  assert.match(
    found.map(formatProblem).join("\n"),
    /E_REGISTRY_NOT_IN_BUNDLE node-a registry\.version: found: 9\.9\.9 for linux\/amd64; expected: a registry of the bundle: /,
  );
});

test("an architecture that the bundle was not built for is reported once, whatever the site names", () => {
  const amd64 = { ...bundle, lock: { ...bundle.lock, platforms: ["linux/amd64"] as const } };
  const host = {
    ...exampleHost(),
    architecture: "arm64" as const,
    engine: { version: "1.2.3", compose: "9.9.9" },
  };
  const found = hostFiles(host, amd64, "stack.yaml");
  assert.ok(!("archive" in found));
  assert.deepEqual(found.map(formatProblem), [
    "stack.yaml: E_BUNDLE_PLATFORM node-a architecture: found: linux/arm64; expected: a platform of the bundle: linux/amd64; fix: correct the architecture, or bring in a bundle that was built for this platform (platforms: in bundle.yaml)",
  ]);
});

test("an image that the bundle has only for another architecture than the host's is reported", () => {
  const [image] = bundle.lock.images;
  const name = image?.name ?? "";
  const arm = {
    ...bundle.lock,
    images: bundle.lock.images.map((one) => ({ ...one, platforms: ["linux/arm64"] })),
  };
  const host = { ...exampleHost(), engine: { version: "28.5.2" }, images: [name] };
  assert.ok("archive" in hostFiles(host, bundle, "stack.yaml"));
  const found = hostFiles(host, { ...bundle, lock: arm }, "stack.yaml");
  assert.ok(!("archive" in found));
  assert.deepEqual(
    found.map(({ code, subject, found, expected }) => [code, subject, found, expected]),
    [["E_BUNDLE_PLATFORM", "node-a images", `${name} for linux/arm64`, "linux/amd64"]],
  );
});
