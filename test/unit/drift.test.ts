import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, differences, seen } from "../../modules/core/drift.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { warnings } from "../../modules/core/refusal.ts";
import type { Probe } from "../../modules/core/probe.ts";
import type { Phase, Step } from "../../modules/core/step.ts";
import { codeTwice } from "../../modules/phases.ts";

const step = (code: string, effect: Step["effect"] = "none"): Step => ({
  code,
  fact: `${code} is so`,
  effect,
  call: ["x"],
});
const phase: Phase = { name: "p", steps: [step("p.a"), step("p.b", "restart"), step("p.c")] };
const probe: Probe = {
  kind: "reached",
  report: {
    mark: { machine: "62ff67b1", journalLines: 3 },
    steps: [
      { status: "ok", code: "p.a", fact: "", found: "" },
      { status: "drift", code: "p.b", fact: "", found: "9" },
    ],
  },
};

test("what was not looked at counts as different: only a seen fact holds", () => {
  assert.deepEqual(
    differences(phase, probe)?.map(({ step: { code }, found }) => [code, found]),
    [
      ["p.b", "9"],
      ["p.c", "not looked at"],
    ],
  );
});

test("a difference names the fact, what was found, and what the repair costs", () => {
  assert.deepEqual(differences(phase, probe)?.map(describe), [
    "p.b: wanted p.b is so; found 9; effect the daemon restarts, containers run on",
    "p.c: wanted p.c is so; found not looked at; effect nothing stops",
  ]);
});

test("nobody knows of a host that did not answer", () => {
  const problem = {
    where: "",
    code: "E_HOST_UNREACHABLE",
    subject: "",
    got: "",
    expected: "",
    todo: "",
  } as const;
  assert.equal(differences(phase, { kind: "unreachable", problem }), undefined);
});

test("a host set back with its journal is seen otherwise by each run", () => {
  assert.equal(seen(probe, "5f3a9c21"), "seen on machine 62ff67b1 at journal line 3 in run 5f3a9c21");
  assert.notEqual(seen(probe, "5f3a9c21"), seen(probe, "5f3a9c22"));
});

test("a warning is told as a problem with its remedy, and is no difference", () => {
  const warned: Probe = {
    kind: "reached",
    report: {
      mark: { machine: "62ff67b1", journalLines: 3 },
      steps: [
        { status: "warn", code: "p.a", fact: "a is known", found: "E_STRANGERS it is bob; name bob" },
        { status: "ok", code: "p.b", fact: "", found: "" },
        { status: "ok", code: "p.c", fact: "", found: "" },
      ],
    },
  };
  assert.deepEqual(differences(phase, warned), []);
  assert.deepEqual(warnings("node-a", warned).map(formatProblem), [
    "node-a: E_STRANGERS p.a: got it is bob; expected a is known; name bob",
  ]);
});

test("no host has two facts of one code: its preview would show one of them", () => {
  const facts = (...codes: string[]): Phase["steps"] =>
    codes.map((code) => ({ code, fact: "x", effect: "none", call: ["x"] }));
  const phases = [
    { name: "a", steps: facts("a.b", "a.c") },
    { name: "b", steps: facts("b.b") },
  ];
  assert.deepEqual(codeTwice("node-a", phases), []);
  const [problem] = codeTwice("node-a", [...phases, { name: "c", steps: facts("a.c") }]);
  assert.equal(
    formatProblem(problem ?? assert.fail()),
    "node-a: E_CONFLICT a.c: got two facts of this code; expected one; give what the site or the bundle calls so another name",
  );
});
