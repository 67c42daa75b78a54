import assert from "node:assert/strict";
import { before, test } from "node:test";
import { formatProblem, type Problem } from "../../modules/core/errors.ts";
import type { HostFiles } from "../../modules/core/blob.ts";
import type { EngineChoice } from "../../modules/core/site-spec.ts";
import { keptSpares } from "../../modules/core/delivery.ts";
import { hostFiles } from "../../modules/engine/from-bundle.ts";
import { sparesOf } from "../../modules/phases.ts";
import type { Bundle } from "../../offline-bundle/layout.ts";
import { openBundle } from "../../offline-bundle/read-bundle.ts";
import { exampleHost } from "../support/example-host.ts";
import { makeTinyBundle, type TinyBundle } from "../support/tiny-bundle.ts";
import { undoAfter } from "../support/undo.ts";

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

test("an engine and its plugin, with the bytes of this host's architecture", () => {
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

test("what the bundle holds besides is copied only to a host that has it already, so that a way back sends nothing", () => {
  const found = taken({ version: "28.5.2" });
  assert.ok("archive" in found);
  const spares = sparesOf(exampleHost(), found);
  const compose = bundle.binary("compose", "5.5.1", "amd64");
  assert.deepEqual(
    spares.map(({ sha256 }) => sha256),
    [compose?.sha256],
  );
  const [{ what } = { what: "none" }] = spares;
  const seen = (value: string) => {
    const report = { steps: [], mark: undefined, values: { "delivery.spares": value } };
    return keptSpares(spares, { kind: "reached", report });
  };
  assert.deepEqual(seen(what), spares);
  assert.deepEqual(seen(""), []);
});

test("every version that the bundle does not hold is told at once, with those that it holds", () => {
  const found = taken({ version: "1.2.3", compose: "9.9.9", buildx: "9.9.9" });
  assert.ok(!("archive" in found));
  assert.deepEqual(found.map(formatProblem), [
    "stack.yaml: E_ENGINE_NOT_IN_BUNDLE node-a engine.version: got 1.2.3 for linux/amd64; expected an engine of the bundle: 28.5.2 (linux/amd64), 28.5.2 (linux/arm64); name one of these, or carry in a bundle that holds it",
    "stack.yaml: E_PLUGIN_NOT_IN_BUNDLE node-a engine.compose: got 9.9.9 for linux/amd64; expected a compose of the bundle: 5.5.1 (linux/amd64), 5.5.1 (linux/arm64); name one of these, or carry in a bundle that holds it",
    "stack.yaml: E_PLUGIN_NOT_IN_BUNDLE node-a engine.buildx: got 9.9.9 for linux/amd64; expected a buildx of the bundle: it holds none; name one of these, or carry in a bundle that holds it",
  ]);
});

test("an architecture that the bundle was not built for is told once, whatever the site names", () => {
  const amd64 = { ...bundle, lock: { ...bundle.lock, platforms: ["linux/amd64"] as const } };
  const host = {
    ...exampleHost(),
    architecture: "arm64" as const,
    engine: { version: "1.2.3", compose: "9.9.9" },
  };
  const found = hostFiles(host, amd64, "stack.yaml");
  assert.ok(!("archive" in found));
  assert.deepEqual(found.map(formatProblem), [
    "stack.yaml: E_BUNDLE_PLATFORM node-a architecture: got linux/arm64; expected a platform of the bundle: linux/amd64; correct it, or carry in a bundle for it: platforms in bundle.yaml",
  ]);
});

test("an image that the bundle has for another architecture than the host's is told", () => {
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
    found.map(({ code, subject, got, expected }) => [code, subject, got, expected]),
    [["E_BUNDLE_PLATFORM", "node-a images", `${name} for linux/arm64`, "linux/amd64"]],
  );
});
