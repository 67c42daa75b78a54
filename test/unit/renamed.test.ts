import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { renamed } from "../../modules/renamed.ts";
import { changed, problemsOf } from "../support/site-text.ts";

const known = { "node-a": { hostKey: "key a" }, "node-b": { hostKey: "key b" } };
const b = { name: "node-b", hostKey: "key b" };

test("a host with the key of one that is gone is the same host under another name", () => {
  const [problem, ...more] = renamed(known, [{ name: "app-1", hostKey: "key a" }, b]);
  assert.deepEqual(more, []);
  assert.ok(problem !== undefined);
  assert.match(
    formatProblem(problem),
    /^app-1: E_RENAMED the host app-1: got the host key of node-a, .*; add formerName: node-a to .* the host itself is not touched by either$/,
  );
});

test("nothing is said of the name that is told, of a new host, of one that is there, and of a state that says nothing", () => {
  assert.deepEqual(renamed(known, [{ name: "app-1", hostKey: "key a", formerName: "node-a" }, b]), []);
  assert.deepEqual(renamed(known, [{ name: "app-1", hostKey: "another key" }, b]), []);
  assert.deepEqual(renamed(known, [{ name: "node-a", hostKey: "key b" }, b]), []);
  for (const nothing of [undefined, null, "x", {}, { "node-a": null }, { "node-a": { hostKey: 7 } }])
    assert.deepEqual(renamed(nothing, [{ name: "app-1", hostKey: "key a" }]), []);
});

test("a former name is nobody's present one, and one host's alone", () => {
  const former = (name: string): string =>
    problemsOf(changed("- name: node-b\n", `- name: node-b\n        formerName: ${name}\n`))
      .map(formatProblem)
      .join("\n");
  assert.equal(former("node-c"), "");
  assert.match(
    former("node-a"),
    /E_DUPLICATE hosts\[1\]\.formerName: got "node-a"; expected a name that no host has or had/,
  );
  assert.match(former("node-b"), /E_DUPLICATE hosts\[1\]\.formerName/);
});
