/** What stops a rollout between two waves of members of a swarm. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lostInSwarm } from "../../modules/swarm/replicas.ts";

const cases: readonly [name: string, before: string, now: string, lost: readonly string[]][] = [
  ["a swarm that is as before", "3/3", "3/3", []],
  ["a service with fewer replicas", "3/3", "3/3 web=1/2", ["service web has 1 of 2 replicas"]],
  ["a service that had too few before", "3/3 web=1/2", "3/3 web=1/2", []],
  ["one that has even fewer", "3/3 web=1/2", "3/3 web=0/2", ["service web has 0 of 2 replicas"]],
  ["one that is to have fewer by now", "3/3 web=3/4", "3/3 web=1/2", ["service web has 1 of 2 replicas"]],
  ["a manager that is down, with a quorum", "3/3", "2/3", []],
  ["a lost quorum", "3/3", "1/3", ["1 of 3 managers are reachable"]],
  ["a lost leader", "3/3", "-", ["the swarm has no leader, or its manager does not answer"]],
  [
    "no answer in the form of the report",
    "3/3",
    "\u001b[31m",
    ["the swarm has no leader, or its manager does not answer"],
  ],
  ["a swarm that had no quorum", "1/3", "1/3 web=0/2", []],
  ["no swarm before", "-", "-", []],
  ["names of another form", "3/3", "3/3 web;id=0/2", []],
];
for (const [name, before, now, lost] of cases)
  test(`${name}: ${lost.length === 0 ? "the next wave starts" : "the rollout stops"}`, () => {
    assert.deepEqual(lostInSwarm(before, now), lost);
  });
