/** What follows from what the managers of a site report, and how a host is invited. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { planText } from "../../modules/core/host/step.ts";
import { swarmOf, type SwarmSpec } from "../../modules/core/site/swarm.ts";
import { swarmPhase, swarmStatePhase } from "../../modules/swarm/index.ts";
import { rackWarnings, swarmState } from "../../modules/swarm/state.ts";
import { invitationIn, withInvitation } from "../../modules/swarm/steps.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const ca = "ca".repeat(32);
const other = "0b".repeat(32);
const file = {
  ...{ name: "plant-1", managers: ["a", "b", "c"], workers: { hosts: ["d"] } },
  addressPool: { base: "172.29.0.0/16" },
};
const hosts = ["a", "b", "c", "d"].map((name, at) => ({ name, address: `10.50.0.${at + 1}` }));

function specOf(host: string): SwarmSpec {
  const spec = swarmOf(file, hosts, host);
  assert.ok(spec !== undefined);
  return spec;
}

function stateOf(reported: Readonly<Record<string, string>>) {
  const { state, problems } = swarmState(specOf("a"), new Map(Object.entries(reported)));
  return { state, problems: problems.map(formatProblem).join("\n") };
}

const none = "inactive worker - ?";
const member = `active manager ${ca} plant-1`;

test("without a swarm the first manager creates it, if no manager could have one", () => {
  const all = { a: none, b: none, c: "pending" };
  assert.deepEqual(stateOf(all), { state: { inviting: "a", ca: undefined }, problems: "" });
  assert.match(
    stateOf({ ...all, b: "silent" }).problems,
    /^b: E_SWARM_MEMBER swarm\.state: found: the host does not respond, and no other manager has a swarm; .*; fix: bring b up/,
  );
  // What is not of the form that was asked for is no answer.
  for (const strange of ["", "active manager", `active manager ${ca} plant-1 more`, `active boss ${ca} x`])
    assert.match(stateOf({ ...all, c: strange }).problems, /^c: E_SWARM_MEMBER /);
});

test("with a swarm its first active manager of this name invites, even when the first host of the list is new", () => {
  const known = { inviting: "b", ca };
  assert.deepEqual(stateOf({ a: none, b: member, c: member }), { state: known, problems: "" });
  assert.deepEqual(stateOf({ a: "silent", b: member, c: "silent" }), { state: known, problems: "" });
  assert.deepEqual(stateOf({ a: `active worker ${ca} ?`, b: member, c: none }).state, known);
  // One whose engine is down has its CA on disk.
  const down = `down unknown ${ca} ?`;
  assert.deepEqual(stateOf({ a: down, b: none, c: none }), { state: { inviting: "a", ca }, problems: "" });
});

test("a manager of another swarm is refused, by its CA and by its name", () => {
  assert.match(
    stateOf({ a: member, b: `active manager ${other} plant-2`, c: none }).problems,
    /^b: E_SWARM_MEMBER swarm\.state: found: a member of another swarm \(CA sha256 0b0b0b0b0b0b\); expected: the swarm plant-1; fix: run docker swarm leave/,
  );
  assert.match(
    stateOf({ a: `active manager ${ca} plant-2`, b: none, c: none }).problems,
    /found: a member of the swarm plant-2/,
  );
});

test("all but the inviting manager join, and none of them knows a token before it is invited", () => {
  const host = (name: string) => ({ ...exampleHost(), swarm: specOf(name) });
  const state = { inviting: "a", ca: undefined };
  const [created, invitation] = swarmPhase(host("a"), state)?.steps ?? [];
  assert.deepEqual(created?.call.slice(0, 1), ["swarm_created"]);
  assert.deepEqual(
    [invitation?.secret, ...(invitation?.call ?? [])],
    [true, "swarm_invitation", "10.50.0.1", "10.50.0.2", "10.50.0.3", "10.50.0.4"],
  );
  const joins = swarmPhase(host("d"), state);
  assert.deepEqual(joins?.steps[0]?.call.slice(2), [
    ...["plant-1", "10.50.0.4", "unknown", "unknown", "10.50.0.1"],
  ]);
  assert.equal(swarmPhase(exampleHost(), state), undefined);
  assert.equal(swarmStatePhase(host("d")), undefined);
  assert.equal(swarmStatePhase(host("b"))?.steps.length, 1);

  const token = `SWMTKN-1-${"a1".repeat(25)}-${"b".repeat(25)}`;
  const report = `ok\tswarm.member\tx\t\nvalue\tswarm.member\t${ca}\nok\tswarm.invitation\tx\t\nvalue\tswarm.invitation\t${token}\n`;
  assert.deepEqual(invitationIn(report, "a"), { inviting: "a", ca, token });
  const invited = withInvitation(joins, specOf("d"), "/data", invitationIn(report, "a"));
  assert.match(
    planText("d", invited, { serial: 1 }),
    new RegExp(`swarm_joined /data plant-1 10\\.50\\.0\\.4 ${ca} ${token} 10\\.50\\.0\\.1\n`),
  );
  // A host may say anything.
  for (const value of [`${token}; reboot`, "$(reboot)", "", token.toUpperCase()])
    assert.equal(invitationIn(report.replace(token, value), "a").token, "unknown");
  assert.equal(invitationIn(report.replace(ca, "ca"), "a").ca, "unknown");
  assert.deepEqual(invitationIn(report + report, "a"), { inviting: "a", ca: "unknown", token: "unknown" });
});

test("a rack with half of the managers or more is a warning, where the racks of all managers are known", () => {
  const warned = (...racks: readonly (string | undefined)[]): string =>
    rackWarnings(
      ["a", "b", "c", "d"].map((name, at) => {
        const rack = racks[at];
        return { name, swarm: specOf(name), ...(rack === undefined ? {} : { rack }) };
      }),
    )
      .map(formatProblem)
      .join("\n");
  assert.equal(warned("rack-1", "rack-2", "rack-3", "rack-1"), "");
  assert.equal(warned("rack-1", undefined, "rack-1"), "");
  assert.match(
    warned("rack-1", "rack-2", "rack-1", "rack-3"),
    /^swarm\.managers: E_SWARM_QUORUM plant-1: found: 2 of 3 managers are in rack rack-1: a, c; expected: less than half/,
  );
});
