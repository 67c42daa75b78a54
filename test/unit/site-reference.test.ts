import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { siteReference } from "../support/site-reference.ts";
import { schemaText, sharedSchema, stackSchema } from "../support/stack-schemas.ts";

/** `npm run docs` writes it anew, as does UPDATE_DOCS=1. */
test("docs/reference/site.md is what the schema says", async () => {
  const file = new URL("../../docs/reference/site.md", import.meta.url);
  const page = await siteReference();
  if (process.env["UPDATE_DOCS"] === "1") {
    mkdirSync(new URL(".", file), { recursive: true });
    writeFileSync(file, page);
  }
  assert.equal(readFileSync(file, "utf8"), page);
});

test("the schemas that editors read are made from the same one", async () => {
  for (const [name, schema] of [
    ["stack.schema.json", stackSchema()],
    ["shared.schema.json", sharedSchema()],
  ] as const) {
    const file = new URL(`../../stacks/${name}`, import.meta.url);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, await schemaText(schema));
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), schema, name);
  }
});

test("every key has a description, and an example or a closed set of values", () => {
  const lacking: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties, examples, description, $ref, type } = node as Record<string, unknown>;
    const isKey = /\.properties\.[^.]+$/.test(path);
    if (isKey && $ref === undefined && description === undefined) lacking.push(`${path}: description`);
    const closed =
      "enum" in node || "const" in node || type === "object" || type === "array" || properties !== undefined;
    if (isKey && $ref === undefined && examples === undefined && !closed) lacking.push(`${path}: example`);
    for (const [key, value] of Object.entries(node)) if (key !== "examples") walk(value, `${path}.${key}`);
  };
  walk(JSON.parse(readFileSync(new URL("../../stacks/site.schema.json", import.meta.url), "utf8")), "site");
  assert.deepEqual(lacking, []);
});
