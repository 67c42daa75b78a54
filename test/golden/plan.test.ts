import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { planText } from "../../modules/core/host/step.ts";
import { library, examplePhases } from "../support/fixtures/example-host.ts";

/** What operators see as a diff and what hosts run: this test shows any change. UPDATE_GOLDEN=1 records it again. */
for (const [name, phase] of Object.entries(examplePhases())) {
  test(`plan text of ${name}`, () => {
    // The library's own size is not what this is about.
    const text = planText("node-a", phase, { serial: 7 })
      .replaceAll(library.sha256, "<library sha256>")
      .replace(`delivered ${library.bytes} `, "delivered <library bytes> ");
    const file = new URL(`plan-${name}.txt`, import.meta.url);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    assert.equal(text, readFileSync(file, "utf8"));
  });
}

test("every step calls functions of the library", () => {
  const steps = Object.entries(examplePhases()).flatMap(([name, { steps }]) =>
    steps.map((step) => ({ name, step })),
  );
  for (const { name, step } of steps) {
    const [call] = step.call;
    assert.match(library.text, new RegExp(`^check_${call}\\(\\)`, "m"), call);
    const checkedOnly = name === "preflight" || name === "delivery";
    assert.equal(new RegExp(`^apply_${call}\\(\\)`, "m").test(library.text), !checkedOnly, call);
  }
});

test("codes are unique on a host and begin with their phase", () => {
  const phases = Object.values(examplePhases());
  const codes = phases.flatMap(({ steps }) => steps.map(({ code }) => code));
  assert.equal(new Set(codes).size, codes.length);
  for (const { name, steps } of phases)
    for (const { code } of steps) assert.ok(code.startsWith(`${name}.`), code);
});

test("a POSIX shell accepts the library and every plan", () => {
  const plans = Object.values(examplePhases()).map((phase) => planText("node-a", phase, { serial: 7 }));
  execFileSync("sh", ["-n"], { input: [library.text, ...plans].join("\n") });
});
