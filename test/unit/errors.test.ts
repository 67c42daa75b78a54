import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, refuse, SealiftError, type Problem } from "../../modules/core/errors.ts";

const problem: Problem = {
  where: "stacks/Pulumi.lab.yaml:5:15",
  code: "E_UNIT",
  subject: "volumes.logicalVolumes[0].size",
  found: '"20G"',
  expected: "a whole number and GiB or TiB",
  fix: "write it like 20GiB",
};

test("a problem is one line: where, code, subject, found, expected, fix", () => {
  assert.equal(
    formatProblem(problem),
    'stacks/Pulumi.lab.yaml:5:15: E_UNIT volumes.logicalVolumes[0].size: found: "20G"; expected: a whole number and GiB or TiB; fix: write it like 20GiB',
  );
});

test("a refusal carries every problem, and no problem is no refusal", () => {
  refuse([]);
  assert.throws(
    () => {
      refuse([problem, { ...problem, code: "E_TYPE" }]);
    },
    (error: unknown) =>
      error instanceof SealiftError && error.message.split("\n").length === 2 && error.problems.length === 2,
  );
});
