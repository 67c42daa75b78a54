/** A rollout that could never finish, or that would not be what was meant, is refused before it begins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/site-text.ts";

const withRollout = (rollout: string): string =>
  changed(/\n {4}hosts:\n/, `\n    rollout: ${rollout}\n    hosts:\n`);

for (const [what, rollout, expected] of [
  [
    "a wave of no host",
    "{ waves: [1, 0] }",
    /^stack\.yaml:\d+:\d+: E_VALUE rollout\.waves\[1\]: got 0; expected a whole number from 1, or 1% to 100%; /,
  ],
  ["a wave of nothing in a hundred", '{ waves: ["0%"] }', /E_VALUE rollout\.waves\[0\]: got "0%"; /],
  ["a wave of more than all", '{ waves: ["150%"] }', /E_VALUE rollout\.waves\[0\]: got "150%"; /],
  ["no wave at all", "{ waves: [] }", /E_VALUE rollout\.waves: got \[\]; /],
  ["no host may be away", "{ maxUnavailable: 0 }", /E_VALUE rollout\.maxUnavailable: got 0; /],
  [
    "nothing in a hundred may be away",
    '{ maxUnavailable: "0%" }',
    /E_VALUE rollout\.maxUnavailable: got "0%"; /,
  ],
  ["a gate that is no command", '{ gate: "" }', /E_VALUE rollout\.gate: got ""; /],
  [
    "one rack at a time, and no rack anywhere",
    "{ perRack: true }",
    /E_CONFLICT rollout\.perRack: got true, and no host has a rack; .* write rack: /,
  ],
] as const)
  test(`${what} is refused`, () => {
    const [problem, ...more] = problemsOf(withRollout(rollout));
    assert.ok(problem);
    assert.deepEqual(more, []);
    assert.match(formatProblem(problem), expected);
  });

test("racks for some hosts only are told with the others' names; racks for all will do", () => {
  const some = withRollout("{ perRack: true }").replace("name: node-a\n", "name: node-a\n        rack: r1\n");
  assert.match(
    problemsOf(some).map(formatProblem).join("\n"),
    /E_CONFLICT rollout\.perRack: got true, and no rack for node-b; /,
  );
  const all = some.replace("name: node-b\n", "name: node-b\n        rack: r2\n");
  assert.equal(siteOf(all).rollout.perRack, true);
});
