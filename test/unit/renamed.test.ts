import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { renamedHostProblems } from "../../modules/rollout/renamed-hosts.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";

const known = { "node-a": { hostKey: "key a" }, "node-b": { hostKey: "key b" } };
const b = { name: "node-b", hostKey: "key b" };

test("a host with the key of a removed host is the same host under another name", () => {
  const [problem, ...more] = renamedHostProblems(known, [{ name: "app-1", hostKey: "key a" }, b]);
  assert.deepEqual(more, []);
  assert.ok(problem !== undefined);
  assert.match(
    formatProblem(problem),
    /^app-1: E_RENAMED the host app-1: found: the host key that this stack has recorded for node-a;.*; fix: add formerName: node-a to .* although the host itself does not change$/,
  );
});

test("the guide shows the real message", () => {
  const guide = readFileSync(new URL("../../docs/guide/environments.md", import.meta.url), "utf8");
  const [problem] = renamedHostProblems(known, [{ name: "shop-a", hostKey: "key a" }, b]);
  assert.ok(problem !== undefined && guide.includes(`\n${formatProblem(problem)}\n`));
});

test("nothing is reported for a formerName, a new host, an existing host, and a state without data", () => {
  assert.deepEqual(
    renamedHostProblems(known, [{ name: "app-1", hostKey: "key a", formerName: "node-a" }, b]),
    [],
  );
  assert.deepEqual(renamedHostProblems(known, [{ name: "app-1", hostKey: "another key" }, b]), []);
  assert.deepEqual(renamedHostProblems(known, [{ name: "node-a", hostKey: "key b" }, b]), []);
  for (const nothing of [undefined, null, "x", {}, { "node-a": null }, { "node-a": { hostKey: 7 } }])
    assert.deepEqual(renamedHostProblems(nothing, [{ name: "app-1", hostKey: "key a" }]), []);
});

test("a former name is no present name, and belongs to one host only", () => {
  const former = (name: string): string =>
    problemsOf(changed("- name: node-b\n", `- name: node-b\n        formerName: ${name}\n`))
      .map(formatProblem)
      .join("\n");
  assert.equal(former("node-c"), "");
  assert.match(
    former("node-a"),
    /E_DUPLICATE hosts\[1\]\.formerName: found: "node-a"; expected: a name that no host has or had before/,
  );
  assert.match(former("node-b"), /E_DUPLICATE hosts\[1\]\.formerName/);
});
