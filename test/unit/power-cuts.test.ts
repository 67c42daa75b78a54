import assert from "node:assert/strict";
import { test } from "node:test";
import { cutOfUpdate, cutsOfLife, lostOf, tally, updatePlaces } from "../cuts/plan.ts";

test("each life of a machine is cut inside and at the end of every phase, and four lives at four lines", () => {
  const cuts = cutsOfLife(0, "vm");
  for (const phase of ["volumes", "users", "engine", "daemon"]) {
    assert.ok(cuts.some((cut) => cut.phase === phase && cut.line === 1));
    assert.ok(cuts.some((cut) => cut.phase === phase && cut.line === undefined));
  }
  assert.deepEqual(
    cuts.filter(({ last }) => last).map(({ site }) => site),
    ["first", "changed"],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((life) => cutsOfLife(life, "vm")[0]?.line),
    [1, 2, 3, 4, 1],
  );
});

test("a container, which has no volumes of Sealift, is cut in the other phases", () => {
  const phases = new Set(cutsOfLife(0, "container").map(({ phase }) => phase));
  assert.deepEqual([...phases], ["users", "engine", "daemon"]);
});

test("a change is lost if it was reported and differs after the boot; an unreported fact may differ", () => {
  const preview =
    "    users.deploy.docker: found: not a member; expected: user deploy is in group docker; impact: none\n";
  assert.deepEqual(lostOf(preview, ["users.group", "users.deploy.docker"]), ["users.deploy.docker"]);
  assert.deepEqual(lostOf(preview, ["users.group"]), []);
});

test("the table counts cuts, lost facts and runs that did not continue, by phase and place", () => {
  const cut = { phase: "users", lost: [], next: "goes on" };
  assert.deepEqual(
    tally([cut, { ...cut, line: 1 }, { ...cut, line: 2, lost: ["users.a"], next: "failed" }]),
    [
      ["users", "inside", "2", "1", "1"],
      ["users", "at its end", "1", "0", "0"],
    ],
  );
});

test("an update is cut at each of its places, and when its run has ended", () => {
  const random = Array.from({ length: 100 }, (_, at) => at / 100);
  const cuts = random.map((one) => cutOfUpdate(() => one));
  assert.deepEqual(
    [...new Set(cuts.map(({ at }) => at))],
    [...updatePlaces.map(([words]) => words), "its run has ended"],
  );
  assert.ok(cuts.every(({ seconds }) => seconds >= 0 && seconds < 1));
  assert.deepEqual(
    tally(cuts.map((cut) => ({ ...cut, lost: [], next: "goes on" }))).map(([phase, place]) => [phase, place]),
    [
      ["apps", "inside"],
      ["apps", "at its end"],
    ],
  );
});
