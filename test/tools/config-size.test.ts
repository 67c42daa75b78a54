/** The largest configuration is determined with the real Pulumi, on either side of the limit. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { stringify } from "yaml";
import { sizeProblems } from "../../modules/environments/config-size.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";
import { undoAfter } from "../support/process/undo.ts";

let pulumi: PulumiFolder;
const undo = undoAfter();
before(async () => {
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
});

/** With all that is written longer in the variable than in the file. */
const config = (padding: number): Record<string, unknown> => ({
  "sealift:site": { "a<b&c": [1, 'é "quoted"\n', { d: true }] },
  "sealift:padding": "x".repeat(padding),
});

test("Pulumi starts its program with a configuration of the maximum size, and fails with one more byte", async () => {
  const folder = pulumi.project("sealift", 'console.log("has begun");\n');
  assert.equal((await pulumi.run(folder, ["stack", "init", "room"])).exitCode, 0);
  let padding = 130_000;
  while (sizeProblems(config(padding + 1), "room").length === 0) padding += 1;
  assert.match(await preview(folder, padding), /has begun/);
  assert.match(await preview(folder, padding + 1), /argument list too long/);
  assert.match(sizeProblems(config(padding + 1), "room")[0]?.found ?? "", /^131073 bytes/);
});

async function preview(folder: string, padding: number): Promise<string> {
  writeFileSync(join(folder, "Pulumi.room.yaml"), stringify({ config: config(padding) }, { lineWidth: 0 }));
  const { stdout, stderr } = await pulumi.run(folder, ["preview", "--stack", "room"]);
  return stdout + stderr;
}
