import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { readSite } from "../../modules/core/site/site.ts";
import { isServed, type Site } from "../../modules/core/site/site-spec.ts";
import { readStackFile } from "../../modules/environments/stack-file.ts";
import { checkout } from "../lab/cache.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";

/** Each example is a site without a problem, and shows what its name says. */
const shows: Readonly<Record<string, (site: Site) => void>> = {
  "single-host": ({ hosts }) => {
    assert.equal(hosts.length, 1);
    assert.equal(hosts[0]?.registry, undefined);
  },
  registry: ({ hosts }) => {
    assert.deepEqual(
      hosts.map((host) => isServed(host)),
      [true, false, false],
    );
  },
  "two-racks": ({ hosts }) => {
    assert.deepEqual([...new Set(hosts.map(({ rack }) => rack))], ["r1", "r2"]);
    assert.deepEqual(
      hosts.filter(isServed).map(({ rack }) => rack),
      ["r1", "r2"],
    );
  },
  "external-registry": ({ hosts }) => {
    for (const { registry } of hosts) {
      assert.equal(registry?.prefix, "sealift/");
      assert.equal(registry.serves, undefined);
    }
  },
  cis: ({ hosts }) => {
    for (const { daemon } of hosts) assert.equal(daemon["no-new-privileges"], true);
  },
  "jump-host": ({ hosts }) => {
    for (const { jumpHost } of hosts) assert.equal(jumpHost?.address, "10.10.0.5");
  },
};

const examples = trackedFiles()
  .filter((path) => path.startsWith("examples/") && path !== "examples/README.md")
  // A version of an application is a folder.
  .map((path) => path.replace(/^(examples\/apps\/[^/]+)\/.*$/, "$1"))
  .filter((path, at, all) => all.indexOf(path) === at)
  .map((path) => path.slice("examples/".length));

/** Programs, CI files and applications, and the test that runs each of them. */
const runBy: Readonly<Record<string, string>> = {
  "preview-all.ts": "test/tools/own-repository.test.ts",
  "ci/gitlab-ci.yml": "test/tools/own-repository.test.ts",
  "ci/github-workflow.yml": "test/tools/own-repository.test.ts",
  "build-machine.ts": "test/tools/outputs-guide.test.ts",
  "apps/shop": "test/guest/apps-shop.test.ts",
};

test("every example has a test and a row in the README", () => {
  assert.deepEqual(
    examples.toSorted(),
    [...Object.keys(shows).map((name) => `${name}.site.yaml`), ...Object.keys(runBy)].toSorted(),
  );
  for (const [file, by] of Object.entries(runBy))
    assert.ok(readFileSync(join(checkout, by), "utf8").includes(basename(file, ".ts")), file);
  const readme = readFileSync(join(checkout, "examples", "README.md"), "utf8");
  for (const file of examples) assert.ok(readme.includes(`[${file}](${file})`), file);
});

for (const [name, show] of Object.entries(shows))
  test(`examples/${name}.site.yaml is a site that shows what its name says`, () => {
    const { value, file } = readStackFile(name, "examples");
    show(readSite(value, file));
  });
