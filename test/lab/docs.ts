/** `npm run docs`: what the last demo printed goes between the markers of the README, the site schema into its page. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { siteReference } from "../support/site-reference.ts";
import { checkout } from "./cache.ts";
import { readTranscript } from "./transcript.ts";

const readme = join(checkout, "README.md");
const marker = /(<!-- demo: (\w+) -->\n)[^]*?(<!-- \/demo -->)/g;

const text = readFileSync(readme, "utf8").replace(
  marker,
  (_all, head: string, name: string, tail: string) =>
    `${head}\n\`\`\`\n${readTranscript(name)}\`\`\`\n\n${tail}`,
);
writeFileSync(readme, text);
writeFileSync(join(checkout, "docs", "reference", "site.md"), await siteReference());
console.log(`README.md shows the last demo; look at it with git diff`);
