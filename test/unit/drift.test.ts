import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDifference, differences, revisionText, tallyOf } from "../../modules/core/host/drift.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { guardWarnings } from "../../modules/core/host/guard-results.ts";
import type { Probe } from "../../modules/core/host/probe.ts";
import type { Phase, Step } from "../../modules/core/host/step.ts";
import { duplicateCodeProblems } from "../../modules/rollout/phases.ts";

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
    revision: { machine: "62ff67b1", journalLines: 3 },
    steps: [
      { status: "ok", code: "p.a", fact: "", found: "" },
      { status: "drift", code: "p.b", fact: "", found: "9" },
    ],
  },
};

test("an unchecked fact counts as different: only a checked fact holds", () => {
  assert.deepEqual(
    differences(phase, probe)?.map(({ step: { code }, found }) => [code, found]),
    [
      ["p.b", "9"],
      ["p.c", "not checked"],
    ],
  );
});

test("a difference has the fact, the finding, and the impact of the correction", () => {
  assert.deepEqual(differences(phase, probe)?.map(describeDifference), [
    "p.b: found: 9; expected: p.b is so; impact: the daemon restarts, containers keep running",
    "p.c: found: not checked; expected: p.c is so; impact: none",
  ]);
});

test("the facts of a host that did not answer are unknown", () => {
  const problem = {
    where: "",
    code: "E_HOST_UNREACHABLE",
    subject: "",
    found: "",
    expected: "",
    fix: "",
  } as const;
  assert.equal(differences(phase, { kind: "unreachable", problem }), undefined);
});

test("each run detects a host that was restored with its journal", () => {
  assert.equal(
    revisionText(probe, "5f3a9c21"),
    "probed on machine 62ff67b1 at journal line 3 in run 5f3a9c21",
  );
  assert.notEqual(revisionText(probe, "5f3a9c21"), revisionText(probe, "5f3a9c22"));
});

test("a warning is reported as a problem with its remedy, and is no difference", () => {
  const warned: Probe = {
    kind: "reached",
    report: {
      revision: { machine: "62ff67b1", journalLines: 3 },
      steps: [
        {
          status: "warn",
          code: "p.a",
          fact: "a is known",
          found: "E_UNMANAGED_MEMBERS it is bob; fix: name bob",
        },
        { status: "ok", code: "p.b", fact: "", found: "" },
        { status: "ok", code: "p.c", fact: "", found: "" },
      ],
    },
  };
  assert.deepEqual(differences(phase, warned), []);
  assert.deepEqual(tallyOf([phase], warned, 1), { hold: 2, warned: 2, failing: [] });
  assert.deepEqual(tallyOf([phase], { ...warned, report: { ...warned.report, steps: [] } }, 0), {
    hold: 0,
    warned: 0,
    failing: ["p.a", "p.b", "p.c"],
  });
  assert.deepEqual(guardWarnings("node-a", warned).map(formatProblem), [
    "node-a: E_UNMANAGED_MEMBERS p.a: found: it is bob; expected: a is known; fix: name bob",
  ]);
});

test("no host has two facts with one code: its preview would show only one", () => {
  const facts = (...codes: string[]): Phase["steps"] =>
    codes.map((code) => ({ code, fact: "x", effect: "none", call: ["x"] }));
  const phases = [
    { name: "a", steps: facts("a.b", "a.c") },
    { name: "b", steps: facts("b.b") },
  ];
  assert.deepEqual(duplicateCodeProblems("node-a", phases), []);
  const [problem] = duplicateCodeProblems("node-a", [...phases, { name: "c", steps: facts("a.c") }]);
  assert.equal(
    formatProblem(problem ?? assert.fail()),
    "node-a: E_CONFLICT a.c: found: two facts with this code; expected: one; fix: rename the object in the site or in bundle.yaml",
  );
});
