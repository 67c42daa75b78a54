/**
 * `npm run docs`: what was really printed, by the last demo and the last tests, goes between the markers of the documents; the
 * site schema, the commands and the error codes go into their pages, and the graph of imports into docs/architecture.svg.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { architectureDrawing } from "../support/architecture/drawing.ts";
import { readImports } from "../support/architecture/imports.ts";
import { cliReference } from "../support/docs/cli-reference.ts";
import { errorReference } from "../support/docs/error-reference.ts";
import { siteReference } from "../support/docs/site-reference.ts";
import { siteTypes } from "../support/docs/site-types.ts";
import { editorSchemas, schemaText } from "../support/docs/stack-schemas.ts";
import { checkout } from "./cache.ts";
import { readTranscript } from "./demo/transcript.ts";

const guide = join(checkout, "docs", "guide");
const guides = readdirSync(guide).filter((name) => name.endsWith(".md"));
const marker = /(<!-- demo: ([\w-]+) -->\n)[^]*?(<!-- \/demo -->)/g;

for (const file of [join(checkout, "README.md"), ...guides.map((name) => join(guide, name))]) {
  const before = readFileSync(file, "utf8");
  const after = before.replace(marker, (all: string, head: string, name: string, tail: string) => {
    const text = transcript(name);
    return text === undefined ? all : `${head}\n\`\`\`\n${text}\`\`\`\n\n${tail}`;
  });
  if (after === before) continue;
  writeFileSync(file, after);
  console.log(`${relative(checkout, file)} shows what was printed last; look at it with git diff`);
}
for (const [name, page] of [
  ["site.md", siteReference()],
  ["cli.md", cliReference()],
  ["errors.md", errorReference()],
] as const)
  writeFileSync(join(checkout, "docs", "reference", name), await page);
writeFileSync(join(checkout, "modules", "core", "pulumi", "site-types.ts"), await siteTypes());
writeFileSync(join(checkout, "docs", "architecture.svg"), architectureDrawing(readImports()));
for (const [name, schema] of Object.entries(editorSchemas()))
  writeFileSync(join(checkout, "stacks", name), await schemaText(schema));

/** Undefined, and said so, when nothing has printed it yet: the document stays as it is. */
function transcript(name: string): string | undefined {
  try {
    return readTranscript(name);
  } catch {
    console.log(`${name} stays as it was: npm run demo or npm test -- lab guests prints it`);
    return undefined;
  }
}
