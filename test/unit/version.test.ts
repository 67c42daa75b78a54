import assert from "node:assert/strict";
import { test } from "node:test";
import { versionText } from "../../cli/version.ts";
import { commandVersion } from "../../modules/core/operator.ts";
import manifest from "../../package.json" with { type: "json" };

test("the version comes first, alone on its line; bundle format, Pulumi and plugin follow", () => {
  const [version, ...others] = versionText().split("\n");
  assert.equal(version, manifest.version);
  assert.deepEqual(others, [
    "bundle format 1",
    `Pulumi ${manifest.dependencies["@pulumi/pulumi"]}, @pulumi/command plugin ${commandVersion}`,
    `Node.js ${process.versions.node}`,
  ]);
});
