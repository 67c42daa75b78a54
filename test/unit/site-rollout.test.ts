/** A rollout that could never finish, or that would not be as intended, is refused before it starts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

const withRollout = (rollout: string): string =>
  changed(/\n {4}hosts:\n/, `\n    rollout: ${rollout}\n    hosts:\n`);

for (const [what, rollout, expected] of [
  [
    "a wave of no host",
    "{ waves: [1, 0] }",
    /^stack\.yaml:\d+:\d+: E_VALUE rollout\.waves\[1\]: found: 0; expected: a whole number from 1, or 1% to 100%; /,
  ],
  ["a wave of nothing in a hundred", '{ waves: ["0%"] }', /E_VALUE rollout\.waves\[0\]: found: "0%"; /],
  ["a wave of more than all", '{ waves: ["150%"] }', /E_VALUE rollout\.waves\[0\]: found: "150%"; /],
  ["no wave at all", "{ waves: [] }", /E_VALUE rollout\.waves: found: \[\]; /],
  ["no host may be away", "{ maxUnavailable: 0 }", /E_VALUE rollout\.maxUnavailable: found: 0; /],
  [
    "nothing in a hundred may be away",
    '{ maxUnavailable: "0%" }',
    /E_VALUE rollout\.maxUnavailable: found: "0%"; /,
  ],
  ["a gate that is no command", '{ gate: "" }', /E_VALUE rollout\.gate: found: ""; /],
  [
    "one rack at a time, and no rack anywhere",
    "{ perRack: true }",
    /E_CONFLICT rollout\.perRack: found: true, but no host has a rack; .* set rack: /,
  ],
] as const)
  test(`${what} is refused`, () => {
    const [problem, ...more] = problemsOf(withRollout(rollout));
    assert.ok(problem);
    assert.deepEqual(more, []);
    assert.match(formatProblem(problem), expected);
  });

test("racks for only some hosts are reported with the names of the others; racks for all are accepted", () => {
  const some = withRollout("{ perRack: true }").replace("name: node-a\n", "name: node-a\n        rack: r1\n");
  assert.match(
    problemsOf(some).map(formatProblem).join("\n"),
    /E_CONFLICT rollout\.perRack: found: true, but these hosts have no rack: node-b; /,
  );
  const all = some.replace("name: node-b\n", "name: node-b\n        rack: r2\n");
  assert.equal(siteOf(all).rollout.perRack, true);
});
