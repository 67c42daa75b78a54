import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { corpus, corpusText } from "../support/daemon-corpus.ts";
import { exampleText, problemsOf, siteOf } from "../support/site-text.ts";

/**
 * Configurations that a daemon refuses to start with, or takes and ignores; `dockerd --validate` of 28.3.3 lets most of them
 * through. Each has to be refused with a code, a place and a remedy; each of the good ones has to pass. What real engines do with
 * every row is in test/guest/daemon-corpus.test.ts.
 */
for (const row of corpus.refused) {
  test(`refused: ${row.what}`, () => {
    const lines = problemsOf(corpusText(row)).map(formatProblem);
    assert.match(lines[0] ?? "it was accepted", new RegExp(row.message));
    // Nothing but the one slip is told, and it is told at a place in the file.
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /^stack\.yaml:\d+:\d+: /);
  });
}

for (const row of corpus.accepted) {
  test(`accepted: ${row.what}`, () => {
    assert.deepEqual(problemsOf(corpusText(row)).map(formatProblem), []);
  });
}

test("a key that is written twice is refused by YAML", () => {
  const twice = exampleText.replace("log-driver: local", "log-driver: local\n      log-driver: local");
  assert.throws(() => siteOf(twice), /Map keys must be unique/);
});
