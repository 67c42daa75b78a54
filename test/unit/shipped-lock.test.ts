import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { selfComputed, isComplete, readLock, staleness } from "../../offline-bundle/spec/lock-file.ts";
import { label } from "../../offline-bundle/spec/bundle-spec.ts";
import { readBundleSpec } from "../../offline-bundle/spec/read-bundle-spec.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { doneJson } from "../support/fixtures/bundle-verbs.ts";
import { copyShippedStacks } from "../support/fixtures/shipped-stacks.ts";

const folder = join(checkout, "offline-bundle");
// Reading checks both files against their schemas.
const spec = await readBundleSpec(join(folder, "bundle.yaml"));
const lock = await readLock(join(folder, "bundle.lock.yaml"));

test("the shipped lock pins exactly what the shipped bundle.yaml asks for", () => {
  // Members and lengths are known once the bytes were seen; everything else has to be there from the start.
  const complete = { ...lock, files: lock.files.map((file) => ({ bytes: 0, members: [], ...file })) };
  assert.ok(complete.files.every(isComplete));
  assert.deepEqual(staleness(spec, complete, "bundle.lock.yaml"), []);
});

test("every shipped pin is a sha256 that two independent sources publish, or says that it was computed here", () => {
  for (const file of lock.files) {
    assert.match(file.sha256, /^[0-9a-f]{64}$/, label(file));
    assert.ok(
      file.sources.length >= 2 || file.sources.includes(selfComputed),
      `${label(file)}: ${file.sources.join()}`,
    );
    // A repository attests once, however many of its files repeat the value.
    const places = file.sources.map((source) => source.split(" ")[0]);
    assert.equal(new Set(places).size, places.length, label(file));
  }
});

/** For these nobody is known to publish a checksum for the other platform. */
const onePlatformOnly = ["docker-rootless-extras 29.7.2"];

test("no pin stands for two different files, and both platforms have one", () => {
  assert.equal(new Set(lock.files.map(({ sha256 }) => sha256)).size, lock.files.length);
  for (const { name, version } of lock.files) {
    const platforms = lock.files.filter((file) => file.name === name && file.version === version);
    assert.deepEqual(
      platforms.map(({ platform }) => platform).sort(),
      onePlatformOnly.includes(`${name} ${version}`) ? ["linux/amd64"] : ["linux/amd64", "linux/arm64"],
      `${name} ${version}`,
    );
  }
});

test("verify --lock-only passes it and all shipped environments, without a network", async (t) => {
  await mkdir(cachePath("test"), { recursive: true });
  const work = await mkdtemp(cachePath("test", "shipped-"));
  t.after(() => rm(work, { recursive: true }));
  const shipped = join(work, "stacks");
  await copyShippedStacks(shipped);
  const result = await doneJson<Record<string, unknown>>("verify", "--lock-only", "--stacks", shipped);
  assert.deepEqual(
    [result["serial"], result["files"], result["images"], result["platforms"]],
    [lock.serial, lock.files.length, lock.images.length, lock.platforms],
  );
  const stacks = (await readdir(shipped)).filter((name) => name.endsWith(".site.yaml"));
  assert.deepEqual(
    (result["stacks"] as string[]).toSorted(),
    stacks.toSorted().map((name) => join(shipped, name)),
  );
  assert.ok(Number(result["hosts"]) >= stacks.length);
});

test("two release series of the engine can be chosen, and two versions of the newer one", () => {
  const engines = lock.files.filter(({ kind }) => kind === "engine").map(({ version }) => version);
  assert.deepEqual([...new Set(engines.map((version) => version.split(".")[0]))], ["28", "29"]);
  assert.ok(new Set(engines.filter((version) => version.startsWith("29."))).size >= 2);
});

test("both schemas are valid JSON Schema, which is not checked again when a lock is read", async () => {
  for (const name of ["bundle.schema.json", "bundle.lock.schema.json"]) {
    const ajv = new Ajv2020({ strict: true });
    const schema = JSON.parse(await readFile(join(folder, name), "utf8")) as object;
    assert.equal(ajv.validateSchema(schema), true, ajv.errorsText());
  }
});

test("both schemas describe every property and show how it is written", async () => {
  for (const name of ["bundle.schema.json", "bundle.lock.schema.json"]) {
    const schema: unknown = JSON.parse(await readFile(join(folder, name), "utf8"));
    assert.deepEqual(bare(schema, name), []);
  }
});

/** Paths of properties without a description or an example. */
function bare(node: unknown, path: string): readonly string[] {
  if (typeof node !== "object" || node === null) return [];
  const { properties, $defs, items, additionalProperties } = node as Record<
    string,
    Record<string, unknown> | undefined
  >;
  const named = Object.entries({ ...properties, ...$defs }).flatMap(([key, value]) => {
    const { description, examples, $ref } = value as Record<string, unknown>;
    const reported = $ref !== undefined || (typeof description === "string" && Array.isArray(examples));
    return [...(reported ? [] : [`${path}.${key}`]), ...bare(value, `${path}.${key}`)];
  });
  return [...named, ...bare(items, `${path}[]`), ...bare(additionalProperties, `${path}.*`)];
}
