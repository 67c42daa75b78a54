/**
 * `npm run docs`: what was really printed, by the last demo and the last tests, goes between the markers of the documents; the
 * site schema, the commands and the error codes go into their pages.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cliReference } from "../support/cli-reference.ts";
import { errorReference } from "../support/error-reference.ts";
import { siteReference } from "../support/site-reference.ts";
import { environmentSchema, schemaText, sharedSchema, stackSchema } from "../support/stack-schemas.ts";
import { checkout } from "./cache.ts";
import { readTranscript } from "./transcript.ts";

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
for (const [name, schema] of [
  ["stack.schema.json", stackSchema()],
  ["environment.schema.json", environmentSchema()],
  ["shared.schema.json", sharedSchema()],
] as const)
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
