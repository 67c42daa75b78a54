import assert from "node:assert/strict";
import { SourceMap } from "node:module";
import { test } from "node:test";
import ts from "typescript";
import { indentedByTabs } from "../../packaging/compile.ts";
import { lineSourceMap } from "../../packaging/line-source-map.ts";

const source = `interface Removed { readonly a: number }

export function first(value: Removed): string {
  return [value.a, value.a + 1]
    .map((one: number) => \`\${one}\`)
    .join();
}
export const after: string = first({ a: -20000 });
`;

test("a reduced source map leads each line to its line of the source, in a fraction of the size", () => {
  const { outputText, sourceMapText = "" } = ts.transpileModule(source, {
    fileName: "first.ts",
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, sourceMap: true },
  });
  const reduced = lineSourceMap(sourceMapText);
  assert.ok(reduced.length < sourceMapText.length / 1.5, `${reduced.length} of ${sourceMapText.length}`);
  const map = new SourceMap(JSON.parse(reduced) as never);
  const code = outputText.split("\n").slice(0, -2);
  assert.ok(code.length > 4);
  for (const [row, text] of code.entries()) {
    const found = map.findEntry(row, text.length - 1);
    assert.ok("originalLine" in found);
    const original = source.split("\n")[found.originalLine] ?? "";
    const start = text.trim().slice(0, 8);
    assert.equal(original.trim().slice(0, start.length), start);
  }
});

test("indentation becomes tabs, except in a template literal", () => {
  const text = "if (x) {\n    f(`a\n    b${g(\n        y)}\n        c`);\n        h();\n}\n";
  const shorter = "if (x) {\n\tf(`a\n    b${g(\n\t\ty)}\n        c`);\n\t\th();\n}\n";
  assert.equal(indentedByTabs("first.js", text), shorter);
});
