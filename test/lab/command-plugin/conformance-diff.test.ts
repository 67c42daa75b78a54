/** What diff answers. Same on the official plugin 1.2.1 and on the stand-in. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fileAsset, startConformanceSite } from "./conformance-site.ts";
import { secret, unknown } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, connection } = site;
after(() => site.stop());

const base = await site.command({
  create: "true",
  stdin: secret("s"),
  environment: { A: "1" },
  triggers: ["t"],
});

describe("diff", () => {
  const before = { id: "subject", inputs: base, state: { ...base, stdout: "", stderr: "" } };
  const without = (name: string) => Object.fromEntries(Object.entries(base).filter(([key]) => key !== name));
  const cases: [string, Parameters<typeof plugin.check>[1], Record<string, string>][] = [
    ["nothing", base, {}],
    ["create", { ...base, create: "false" }, { create: "UPDATE" }],
    ["an added update", { ...base, update: "true" }, { update: "ADD" }],
    ["a removed stdin", without("stdin"), { stdin: "DELETE" }],
    ["a secret stdin", { ...base, stdin: secret("other") }, { stdin: "UPDATE" }],
    ["a stdin that is secret no more", { ...base, stdin: "s" }, { stdin: "UPDATE" }],
    ["a stdin not known yet", { ...base, stdin: unknown }, { stdin: "UPDATE" }],
    [
      "variables",
      { ...base, environment: { A: "2", B: "1" } },
      { "environment.A": "UPDATE", "environment.B": "ADD" },
    ],
    ["a trigger", { ...base, triggers: ["u"] }, { "triggers[0]": "UPDATE" }],
    ["one more trigger", { ...base, triggers: ["t", "u"] }, { "triggers[1]": "ADD" }],
    ["triggers that go", without("triggers"), { triggers: "DELETE_REPLACE" }],
    [
      "the connection",
      { ...base, connection: secret({ ...connection, host: "other" }) },
      { connection: "UPDATE" },
    ],
  ];
  for (const [what, news, paths] of cases)
    test(`of ${what}`, async () => {
      const expected = { changes: Object.keys(paths).length > 0, paths };
      assert.deepEqual(await plugin.diff("Command", before, news), expected);
    });

  test("of triggers that are added", async () => {
    const old = { ...before, inputs: without("triggers"), state: without("triggers") };
    const expected = { changes: true, paths: { triggers: "ADD_REPLACE" } };
    assert.deepEqual(await plugin.diff("Command", old, base), expected);
  });

  test("of an ignored property", async () => {
    const answer = await plugin.diff("Command", before, { ...base, stdin: "other" }, ["stdin"]);
    assert.deepEqual(answer, { changes: false, paths: {} });
  });

  test("of a source: by its hash, wherever it is", async () => {
    const source = { ...fileAsset(import.meta.filename) };
    const inputs = await site.copy({ source, remotePath: "x" });
    const old = { id: "x", inputs, state: inputs };
    const moved = await site.copy({ source: { ...source, path: "elsewhere" }, remotePath: "x" });
    const other = await site.copy({ source: { ...source, hash: "other" }, remotePath: "y" });
    assert.deepEqual(await plugin.diff("CopyToRemote", old, moved), { changes: false, paths: {} });
    const paths = { source: "UPDATE", remotePath: "UPDATE" };
    assert.deepEqual(await plugin.diff("CopyToRemote", old, other), { changes: true, paths });
  });
});
