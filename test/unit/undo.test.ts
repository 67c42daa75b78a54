import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const undo = new URL("../support/process/undo.ts", import.meta.url).href;

/** What a test file with this `before` prints. */
function printed(t: { after: (end: () => void) => void }, before: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sealift-undo-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "made.test.mjs");
  const head = `import { before, test } from "node:test"; import { undoAfter } from ${JSON.stringify(undo)};`;
  writeFileSync(
    file,
    `${head}\nconst undo = undoAfter();\nbefore(() => { ${before} });\ntest("t", () => undefined);\n`,
  );
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  try {
    return execFileSync(process.execPath, ["--test-reporter=tap", file], { encoding: "utf8", env });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test("what was created is removed, the newest first", (t) => {
  const text = printed(t, `undo(() => console.log("first")); undo(() => console.log("second"));`);
  assert.match(text, /second[^]*first/);
  assert.match(text, /# fail 0/);
});

test("if setup fails its error is the only one, and what was created before is removed", (t) => {
  const text = printed(t, `undo(() => console.log("taken back")); throw new Error("no disk");`);
  assert.match(text, /taken back/);
  assert.match(text, /no disk/);
  assert.doesNotMatch(text, /TypeError/);
});

test("a failing cleanup does not stop the others, and is reported", (t) => {
  const text = printed(t, `undo(() => console.log("first")); undo(() => { throw new Error("stuck"); });`);
  assert.match(text, /first/);
  assert.match(text, /stuck/);
});
