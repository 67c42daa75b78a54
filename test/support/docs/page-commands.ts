/** The commands of a page, as they are printed there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../lab/cache.ts";

/** @param page a guide's file name. @returns the commands of a block that was recorded, `<!-- demo: <block> -->`. */
export function recordedCommands(page: string, block: string): readonly string[] {
  const [, text = ""] = new RegExp(`<!-- demo: ${block} -->([^]*?)<!-- /demo -->`).exec(guide(page)) ?? [];
  const commands = [...text.matchAll(/^\$ (.*)$/gm)].map(([, command = ""]) => command);
  assert.notEqual(commands.length, 0, `no commands in the block ${block}`);
  return commands;
}

/** @param page a guide's file name. @returns the one block of it, or piece of code in a line, that contains these words. */
export function printedCommands(page: string, words: string): string {
  const text = guide(page);
  const blocks = [...text.matchAll(/^```\w*\n([^]*?)^```$/gm), ...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)];
  const found = blocks.flatMap(([, code = ""]) => (code.includes(words) ? [code] : []));
  const [commands] = found;
  assert.ok(
    commands !== undefined && found.length === 1,
    `${found.length} commands with ${words} in ${page}`,
  );
  return commands;
}

function guide(page: string): string {
  return readFileSync(join(checkout, "docs", "guide", page), "utf8");
}
