/** test/unit/daemon-corpus.yaml as values: files of daemon.json that have to be refused, and ones that have to be accepted. */
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { exampleText } from "./site-text.ts";

type Map = Readonly<Record<string, unknown>>;

export interface CorpusRow {
  readonly what: string;
  readonly daemon: Map;
  /** Other sections of the site. */
  readonly site?: Map & { readonly engine?: { readonly version: string } };
}

export interface RefusedRow extends CorpusRow {
  /** A regular expression. */
  readonly message: string;
  /** Why Sealift refuses what the engine starts with, or what depends on the host; absent: the engine ends. */
  readonly policy?: string;
}

export const corpus = parse(readFileSync(new URL("../unit/daemon-corpus.yaml", import.meta.url), "utf8")) as {
  readonly refused: readonly RefusedRow[];
  readonly accepted: readonly CorpusRow[];
};

/** The documented example with these entries alone in daemon.json, and these other sections. @param version counts before the row's. */
export function corpusText({ daemon, site = {} }: CorpusRow, version?: string): string {
  const file = parse(exampleText) as { config: Record<"sealift:site", Record<string, unknown>> };
  Object.assign(file.config["sealift:site"], { daemon: { "data-root": "/data/docker", ...daemon }, ...site });
  if (version !== undefined) Object.assign(file.config["sealift:site"], { engine: { version } });
  return stringify(file, { lineWidth: 0 });
}
