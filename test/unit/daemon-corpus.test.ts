import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { corpus, corpusText } from "../support/fixtures/daemon-corpus.ts";
import { exampleText, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

/**
 * Configurations that a daemon refuses to start with, or accepts and ignores; `dockerd --validate` of 28.3.3 accepts most of them. Each
 * must be refused with a code, a place and a remedy; each of the good ones must pass. The results of real engines for every row are in
 * test/guest/daemon-corpus.test.ts.
 */
for (const row of corpus.refused) {
  test(`refused: ${row.what}`, () => {
    const lines = problemsOf(corpusText(row)).map(formatProblem);
    assert.match(lines[0] ?? "it was accepted", new RegExp(row.message));
    // Only this one mistake is reported, at a place in the file.
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /^stack\.yaml:\d+:\d+: /);
  });
}

for (const row of corpus.accepted) {
  test(`accepted: ${row.what}`, () => {
    assert.deepEqual(problemsOf(corpusText(row)).map(formatProblem), []);
  });
}

test("a duplicate key is refused by YAML", () => {
  const twice = exampleText.replace("log-driver: local", "log-driver: local\n      log-driver: local");
  assert.throws(() => siteOf(twice), /Map keys must be unique/);
});
