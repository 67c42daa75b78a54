import assert from "node:assert/strict";
import { test } from "node:test";
import type { Probe } from "../../modules/core/probe.ts";
import { twinProblems } from "../../modules/twins.ts";
import { exampleHost } from "../support/example-host.ts";

const boot = "0c3e1d6e-5f0a-4d53-9f0e-6c1f6c2f7a11";

function seen(
  name: string,
  bootId: string,
  hostKey = "ssh-ed25519 AAAA",
): Parameters<typeof twinProblems>[0][number] {
  const report = {
    steps: [],
    values: { "preflight.boot": bootId },
    mark: { machine: "62ff67b1", journalLines: 0 },
  };
  const probe: Probe = { kind: "reached", report };
  return { spec: { ...exampleHost(), name, hostKey }, probe };
}

test("two hosts that are one machine are told, with both names", () => {
  const [problem, ...more] = twinProblems([seen("a", boot), seen("b", boot)]);
  assert.deepEqual([problem?.where, problem?.code, more], ["b", "E_DUPLICATE", []]);
  assert.match(problem?.got ?? "", /^the machine that answers as a at /);
});

test("clones with one host key, and a host that says the boot of another, are machines of their own", () => {
  assert.deepEqual(twinProblems([seen("a", boot), seen("b", boot.replace("0c", "1c"))]), []);
  assert.deepEqual(twinProblems([seen("a", boot), seen("b", boot, "ssh-ed25519 BBBB")]), []);
  assert.deepEqual(twinProblems([seen("a", "x"), seen("b", "x")]), []);
});
