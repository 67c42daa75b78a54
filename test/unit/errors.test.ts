import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, refuse, SealiftError, type Problem } from "../../modules/core/errors.ts";

const problem: Problem = {
  where: "stacks/Pulumi.lab.yaml:5:15",
  code: "E_UNIT",
  subject: "volumes.logical[0].size",
  got: '"20G"',
  expected: "a whole number and GiB or TiB",
  todo: "write it like 20GiB",
};

test("a problem is one line: where, code, subject, got, expected, what to do", () => {
  assert.equal(
    formatProblem(problem),
    'stacks/Pulumi.lab.yaml:5:15: E_UNIT volumes.logical[0].size: got "20G"; expected a whole number and GiB or TiB; write it like 20GiB',
  );
});

test("a refusal carries every problem, and none is no refusal", () => {
  refuse([]);
  assert.throws(
    () => {
      refuse([problem, { ...problem, code: "E_TYPE" }]);
    },
    (error: unknown) =>
      error instanceof SealiftError && error.message.split("\n").length === 2 && error.problems.length === 2,
  );
});
