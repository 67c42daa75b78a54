import assert from "node:assert/strict";
import { test } from "node:test";
import type { Probe } from "../../modules/core/host/probe.ts";
import { duplicateMachineProblems } from "../../modules/rollout/duplicate-machines.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const boot = "0c3e1d6e-5f0a-4d53-9f0e-6c1f6c2f7a11";

function machine(
  name: string,
  bootId: string,
  hostKey = "ssh-ed25519 AAAA",
): Parameters<typeof duplicateMachineProblems>[0][number] {
  const report = {
    steps: [],
    values: { "preflight.boot": bootId },
    revision: { machine: "62ff67b1", journalLines: 0 },
  };
  const probe: Probe = { kind: "reached", report };
  return { spec: { ...exampleHost(), name, hostKey }, probe };
}

test("two hosts that are one machine are reported, with both names", () => {
  const [problem, ...more] = duplicateMachineProblems([machine("a", boot), machine("b", boot)]);
  assert.deepEqual([problem?.where, problem?.code, more], ["b", "E_DUPLICATE", []]);
  assert.match(problem?.found ?? "", /^the same machine as a at /);
});

test("clones with one host key, and a host that reports the boot id of another, are separate machines", () => {
  assert.deepEqual(
    duplicateMachineProblems([machine("a", boot), machine("b", boot.replace("0c", "1c"))]),
    [],
  );
  assert.deepEqual(
    duplicateMachineProblems([machine("a", boot), machine("b", boot, "ssh-ed25519 BBBB")]),
    [],
  );
  assert.deepEqual(duplicateMachineProblems([machine("a", "x"), machine("b", "x")]), []);
});
