/** What a site tells other stacks, by the real CLI: one stack with the outputs, and one that refers to it. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { before, test } from "node:test";
import { format } from "prettier";
import { checkout } from "../lab/cache.ts";
import { authorityBase64 } from "../support/made-authority.ts";
import { runDocument, shapeOf } from "../support/doc-walk.ts";
import { undoAfter } from "../support/undo.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi-folder.ts";

let pulumi: PulumiFolder;
const undo = undoAfter();
before(async () => {
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
  for (const [name, program, folder] of [
    ["sealift", site, pulumi.directory],
    ["monitoring", consumer, join(pulumi.directory, "monitoring")],
  ] as const) {
    pulumi.project(name, program, folder);
    for (const args of [
      ["stack", "init", "prod"],
      ["up", "--yes", "--skip-preview", "--stack", "prod"],
    ]) {
      const { exitCode, stdout, stderr } = await pulumi.run(folder, args);
      assert.equal(exitCode, 0, stdout + stderr);
    }
  }
});

/** UPDATE_DOCS=1 puts in what was printed. */
test("docs/guide/outputs.md shows what its commands print", async () => {
  const file = join(checkout, "docs", "guide", "outputs.md");
  const old = readFileSync(file, "utf8");
  const path = (pulumi.env["PATH"] ?? "").split(delimiter).slice(0, 2).join(delimiter);
  const now = await format(runDocument(old, { cwd: pulumi.directory, path, env: pulumi.env }), {
    parser: "markdown",
  });
  if (process.env["UPDATE_DOCS"] === "1" && shapeOf(old) !== shapeOf(now)) writeFileSync(file, now);
  assert.equal(shapeOf(readFileSync(file, "utf8")), shapeOf(now));
  assert.doesNotMatch(now, /\(exit code/);
  assert.match(now, /"ssh:\/\/deploy@10\.20\.0\.11:22"/);
  assert.match(now, /"registry": "https:\/\/registry\.site:5000"/);
});

/** The documented example with a registry, whose host has just said which CA it has. */
const site = `
import * as pulumi from "@pulumi/pulumi";
import { siteOutputs } from "${checkout}/modules/outputs.ts";
import { own, withRegistry } from "${checkout}/test/support/registry-site.ts";
import { siteOf } from "${checkout}/test/support/site-text.ts";

const specs = siteOf(withRegistry(own)).hosts;
const tally = { hold: 41, warned: 0, failing: [] };
const done = new Map(specs.map(({ name }) => [name, { last: { report: pulumi.output("") }, tally }]));
export default siteOutputs(specs, done, [pulumi.output({ certificates: [\`${authorityBase64}\`] })]);
`;

const consumer = `import * as pulumi from "@pulumi/pulumi";

const site = new pulumi.StackReference("organization/sealift/prod");
const hosts = site.requireOutput("hosts");

export const registry = site.requireOutput("registry").apply(({ url }) => url);
export const scrape = hosts.apply((all) => Object.values(all).map(({ address }) => \`\${address}:9323\`));
export const contexts = hosts.apply((all) => Object.values(all).flatMap(({ contexts }) => Object.values(contexts)));
`;
