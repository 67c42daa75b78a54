import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { formatProblem } from "../../modules/core/errors.ts";
import { exampleText, problemsOf, siteOf } from "../support/site-text.ts";

/**
 * Configurations that a daemon refuses to start with, or takes and ignores; `dockerd --validate` of 28.3.3 lets most of them
 * through. Each has to be refused with a code, a place and a remedy; each of the good ones has to pass.
 */
interface Row {
  readonly what: string;
  readonly daemon: Readonly<Record<string, unknown>>;
  readonly site?: Readonly<Record<string, unknown>>;
}

const corpus = parse(readFileSync(new URL("daemon-corpus.yaml", import.meta.url), "utf8")) as {
  readonly refused: readonly (Row & { readonly message: string })[];
  readonly accepted: readonly Row[];
};

/** The documented example with these entries alone in daemon.json, and these other sections. */
function siteText({ daemon, site = {} }: Row): string {
  const file = parse(exampleText) as { config: Record<"sealift:site", Record<string, unknown>> };
  Object.assign(file.config["sealift:site"], { daemon: { "data-root": "/data/docker", ...daemon }, ...site });
  return stringify(file, { lineWidth: 0 });
}

for (const row of corpus.refused) {
  test(`refused: ${row.what}`, () => {
    const lines = problemsOf(siteText(row)).map(formatProblem);
    assert.match(lines[0] ?? "it was accepted", new RegExp(row.message));
    // Nothing but the one slip is told, and it is told at a place in the file.
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /^stack\.yaml:\d+:\d+: /);
  });
}

for (const row of corpus.accepted) {
  test(`accepted: ${row.what}`, () => {
    assert.deepEqual(problemsOf(siteText(row)).map(formatProblem), []);
  });
}

test("a key that is written twice is refused by YAML", () => {
  const twice = exampleText.replace("log-driver: local", "log-driver: local\n      log-driver: local");
  assert.throws(() => siteOf(twice), /Map keys must be unique/);
});
