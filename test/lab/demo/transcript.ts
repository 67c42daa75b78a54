/** What the demo printed, kept for the documentation: it shows real output only. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { cachePath } from "../cache.ts";

/** The last text of a name wins. */
export function keepTranscript(name: string, text: string): void {
  mkdirSync(cachePath("transcript"), { recursive: true });
  const plain = stripVTControlCharacters(text).replaceAll(/[ \t\r]+$/gm, "");
  writeFileSync(file(name), `${plain.trimEnd()}\n`);
}

/** @throws {Error} when no demo has run. */
export function readTranscript(name: string): string {
  return readFileSync(file(name), "utf8");
}

function file(name: string): string {
  return cachePath("transcript", `${name}.txt`);
}
