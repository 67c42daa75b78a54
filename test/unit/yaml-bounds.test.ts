import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { beyondYamlBounds, yamlBounds } from "../../offline-bundle/yaml-bounds.ts";

/** Each of them has ended Node, or kept it busy for a minute and longer. */
const hostile: Readonly<Record<string, string>> = {
  "many entries": `a: [${"{},".repeat(700_000)}]`,
  "lists of lists on one line": "- ".repeat(400_000),
  "keys of keys on one line": "? ".repeat(20_000),
  "open braces": "{".repeat(100_000),
  "open brackets": "[".repeat(100_000),
  "many keys": Array.from({ length: 150_000 }, (_, at) => `k${at}: v\n`).join(""),
  "aliases of one anchor": `a: &a [x]\n${"b: *a\n".repeat(50_000)}`,
  "anchors on one line": `a: ${"&a ".repeat(50_000)}`,
  "many lines in quotes": `a: "${"x\n".repeat(150_000)}"`,
  "keys with question marks": Array.from({ length: 500 }, (_, at) => `${" ".repeat(at)}?\n`).join(""),
};

for (const [what, text] of Object.entries(hostile))
  test(`YAML of ${what} is refused in the time it takes to count`, () => {
    assert.match(told(text), /^E_YAML more than \d+ /);
  });

test("a map of many keys ends in the keys that nobody knows, and a repeated one is told", () => {
  const keys = Array.from({ length: 40_000 }, (_, at) => `k${at}: v\n`).join("");
  assert.match(told(keys), /^E_KEY_MISSING|^E_KEY_UNKNOWN/);
  assert.match(told("format: 1\nserial: 1\nformat: 1\n"), /^E_YAML Map keys must be unique/);
});

test("what people and Sealift write stays far below the bounds", () => {
  for (const name of ["offline-bundle/bundle.lock.yaml", "offline-bundle/bundle.yaml"])
    assert.equal(beyondYamlBounds(readFileSync(name, "utf8").repeat(20)), undefined, name);
  const members = '      - path: node/lib/x\n        bytes: 1\n        sha256: "0"\n'.repeat(10_000);
  assert.equal(beyondYamlBounds(`files:\n  - name: node\n    members:\n${members}`), undefined);
  assert.match(beyondYamlBounds("\n".repeat(yamlBounds.places + 1)) ?? "", /lines and entries/);
});

/** What a lock of this text is told. In a process of its own: what it is to be kept from cannot be caught. */
function told(text: string): string {
  const script = `import { readFileSync } from "node:fs";
    import { parseDocument } from "./offline-bundle/document.ts";
    await parseDocument(readFileSync(0), "lock", "bundle.lock.schema.json").catch(({ problems }) => {
      console.log(problems.map(({ code, got }) => code + " " + got).join());
    });`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    input: text,
    encoding: "utf8",
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  assert.equal(status, 0, stderr.slice(0, 500));
  return stdout;
}
