import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { beyondYamlBounds, yamlBounds } from "../../offline-bundle/spec/yaml-bounds.ts";

/** Each of them has crashed Node, or kept it busy for a minute or longer. */
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

const refusals = reported(Object.values(hostile));
for (const [at, what] of Object.keys(hostile).entries())
  test(`YAML of ${what} is refused in linear time`, () => {
    assert.match(refusals[at] ?? "not told: it, or one before it, has ended Node", /^E_YAML more than \d+ /);
  });

test("a map of many keys is reported by its unknown keys, and a duplicate one is reported", () => {
  const keys = Array.from({ length: 40_000 }, (_, at) => `k${at}: v\n`).join("");
  const [many = "", repeated = ""] = reported([keys, "format: 1\nserial: 1\nformat: 1\n"]);
  assert.match(many, /^E_KEY_MISSING|^E_KEY_UNKNOWN/);
  assert.match(repeated, /^E_YAML Map keys must be unique/);
});

test("what people and Sealift write stays far below the limits", () => {
  for (const name of ["offline-bundle/bundle.lock.yaml", "offline-bundle/bundle.yaml"])
    assert.equal(beyondYamlBounds(readFileSync(name, "utf8").repeat(20)), undefined, name);
  const members = '      - path: node/lib/x\n        bytes: 1\n        sha256: "0"\n'.repeat(10_000);
  assert.equal(beyondYamlBounds(`files:\n  - name: node\n    members:\n${members}`), undefined);
  assert.match(beyondYamlBounds("\n".repeat(yamlBounds.places + 1)) ?? "", /lines and entries/);
});

/** The problems of a lock with each text, as far as Node came. In a process of its own, because running out of memory cannot be caught. */
function reported(texts: readonly string[]): readonly string[] {
  const script = `import { readFileSync } from "node:fs";
    import { parseDocument } from "./offline-bundle/spec/document.ts";
    for (const text of JSON.parse(readFileSync(0)))
      await parseDocument(Buffer.from(text), "lock", "bundle.lock.schema.json").catch(({ problems }) => {
        console.log(problems.map(({ code, found }) => code + " " + found).join());
      });`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return stdout.split("\n").slice(0, -1);
}
