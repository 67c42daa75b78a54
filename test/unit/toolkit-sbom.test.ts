/** The SBOM of Sealift itself: complete, valid by the official schema, and reproducible. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type PackageLock, toolkitSbom } from "../../offline-bundle/sbom/toolkit-sbom.ts";
import { checkout } from "../lab/cache.ts";
import { cycloneDxSchema } from "../support/fixtures/cyclonedx-schema.ts";

const lock = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")) as PackageLock;
const hash = "5e".repeat(32);

interface Bom {
  readonly components: readonly {
    readonly "bom-ref": string;
    readonly name: string;
    readonly group?: string;
    readonly version: string;
    readonly scope: string;
    readonly purl: string;
    readonly licenses?: unknown;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
const bomOf = (of: PackageLock): Bom => toolkitSbom(of, hash, undefined) as Bom;

test("it passes the official schema, and every installed package is in it with licence and hash", async () => {
  const validate = await cycloneDxSchema();
  const bom = bomOf(lock);
  assert.ok(validate(bom), JSON.stringify(validate.errors));
  const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && dev !== true);
  assert.ok(installed.length > 50);
  assert.deepEqual(
    bom.components.map((one) => one["bom-ref"]),
    installed.map(([path]) => path).sort(),
  );
  for (const { name, licenses, hashes } of bom.components) {
    assert.ok(licenses !== undefined, name);
    assert.match(hashes[0]?.content ?? "", /^[0-9a-f]{128}$/, name);
  }
  const command = bom.components.find(({ purl }) => purl.startsWith("pkg:npm/%40pulumi/command@"));
  assert.deepEqual([command?.group, command?.name, command?.scope], ["@pulumi", "command", "required"]);
  assert.ok(!bom.components.some(({ name }) => name === "eslint"));
});

test("dependencies lead from Sealift to every package that is not optional, and to none that is absent", () => {
  const { components, dependencies } = bomOf(lock);
  const graph = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set<string>();
  const walk = (ref: string): void => {
    if (reached.has(ref)) return;
    reached.add(ref);
    const needs = graph.get(ref);
    assert.ok(needs !== undefined, ref);
    needs.forEach(walk);
  };
  walk("sealift");
  const unreached = components.filter((one) => one.scope === "required" && !reached.has(one["bom-ref"]));
  assert.deepEqual(
    unreached.map((one) => one["bom-ref"]),
    [],
  );
});

test("a package inside another is the one that this other uses", () => {
  const { dependencies } = bomOf({
    packages: {
      "": {
        name: "sealift",
        version: "1.0.0",
        dependencies: { a: "1", b: "1" },
        devDependencies: { c: "1" },
      } as PackageLock["packages"][string],
      "node_modules/a": { version: "1.0.0", dependencies: { b: "2" } },
      "node_modules/a/node_modules/b": { version: "2.0.0", dependencies: { c: "1" } },
      "node_modules/b": { version: "1.0.0" },
      "node_modules/c": { version: "1.0.0", dev: true },
    },
  });
  assert.deepEqual(dependencies, [
    { ref: "sealift", dependsOn: ["node_modules/a", "node_modules/b"] },
    { ref: "node_modules/a", dependsOn: ["node_modules/a/node_modules/b"] },
    { ref: "node_modules/a/node_modules/b", dependsOn: [] },
    { ref: "node_modules/b", dependsOn: [] },
  ]);
});

test("the command prints the same bytes every time, with a date only if it is given one", () => {
  const sbom = (epoch = ""): string => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };
    return execFileSync(process.execPath, [join(checkout, "cli", "sealift.js"), "sbom"], {
      encoding: "utf8",
      env,
    });
  };
  const bom = sbom();
  assert.equal(sbom(), bom);
  assert.ok(!bom.includes("timestamp"));
  assert.match(sbom("1767225600"), /"timestamp": "2026-01-01T00:00:00Z"/);
});
