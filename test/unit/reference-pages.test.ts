import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { errorChapters } from "../../modules/core/error-meanings.ts";
import { errorCodes } from "../../modules/core/errors.ts";
import { cliReference } from "../support/docs/cli-reference.ts";
import { errorReference } from "../support/docs/error-reference.ts";
import { siteReference } from "../support/docs/site-reference.ts";
import { siteTypes } from "../support/docs/site-types.ts";
import { editorSchemas, schemaText } from "../support/docs/stack-schemas.ts";

/** `npm run docs` writes them, as does UPDATE_DOCS=1. */
for (const [name, source, page] of [
  ["site.md", "the schema", siteReference],
  ["cli.md", "the commands", cliReference],
  ["errors.md", "the list of error codes", errorReference],
] as const)
  test(`docs/reference/${name} is what ${source} says`, async () => {
    const file = new URL(`../../docs/reference/${name}`, import.meta.url);
    const text = await page();
    if (process.env["UPDATE_DOCS"] === "1") {
      mkdirSync(new URL(".", file), { recursive: true });
      writeFileSync(file, text);
    }
    assert.equal(readFileSync(file, "utf8"), text);
  });

test("the types of a site are what the schema says", async () => {
  const file = new URL("../../modules/core/pulumi/site-types.ts", import.meta.url);
  const text = await siteTypes();
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, text);
  assert.equal(readFileSync(file, "utf8"), text);
});

test("the list of error meanings has each code once, with meaning and fix as sentences", () => {
  const entries = errorChapters.flatMap(({ codes }) => Object.entries(codes));
  assert.deepEqual(entries.map(([code]) => code).toSorted(), errorCodes.toSorted());
  for (const [code, { meaning, fix }] of entries)
    for (const text of [meaning, fix]) assert.match(text, /^(`|[A-Z]).*\.$/, code);
});

test("the schemas for editors are made from the same one", async () => {
  for (const [name, schema] of Object.entries(editorSchemas())) {
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
