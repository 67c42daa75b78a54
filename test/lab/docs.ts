/** `npm run docs`: puts what was really printed, by the last demo and the last tests, between the markers of the documents. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { checkout } from "./cache.ts";
import { readTranscript } from "./transcript.ts";

const guide = join(checkout, "docs", "guide");
const pages = readdirSync(guide).filter((name) => name.endsWith(".md"));
const marker = /(<!-- demo: ([\w-]+) -->\n)[^]*?(<!-- \/demo -->)/g;
const missing: string[] = [];

for (const file of [join(checkout, "README.md"), ...pages.map((name) => join(guide, name))]) {
  const before = readFileSync(file, "utf8");
  const after = before.replace(marker, (all: string, head: string, name: string, tail: string) => {
    const text = transcript(name);
    return text === undefined ? all : `${head}\n\`\`\`\n${text}\`\`\`\n\n${tail}`;
  });
  if (after !== before) writeFileSync(file, after);
  console.log(
    `${relative(checkout, file)} ${after === before ? "is as it was" : "is new: look at it with git diff"}`,
  );
}
for (const name of missing)
  console.log(`${name} stays as it was: nothing has printed it yet (npm run demo, npm test -- e2e)`);

function transcript(name: string): string | undefined {
  try {
    return readTranscript(name);
  } catch {
    missing.push(name);
    return undefined;
  }
}
