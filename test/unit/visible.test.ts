import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { columns } from "../../cli/output/columns.ts";
import { findingsText } from "../../cli/output/findings-text.ts";
import { paint } from "../../cli/output/paint.ts";
import { describeDifference } from "../../modules/core/host/drift.ts";
import { formatProblem, SealiftError, type Problem } from "../../modules/core/errors.ts";
import { visible, visibleLines } from "../../modules/core/visible.ts";
import { checkout } from "../lab/cache.ts";

/** What a host, a bundle or a registry may send, and what a terminal would do with it. */
const attacks: readonly [what: string, text: string][] = [
  ["a colour", "\u001b[31mred"],
  ["the screen cleared", "\u001b[2J\u001b[H"],
  ["the title of the window", "\u001b]0;owned\u0007"],
  ["a link to elsewhere", "\u001b]8;;http://evil\u001b\\here\u001b]8;;\u001b\\"],
  ["an escape of one byte", "\u009b31m"],
  ["the line overwritten", "drift\rok   "],
  ["a line of its own", "x\nnode-b: all is well"],
  ["text turned round", "user\u202egpj.exe"],
  ["an isolate", "\u2066x\u2069"],
  ["a mark of direction", "\u200fx\u061c"],
  ["nothing to be seen", "ad\u200bmin\ufeff"],
  ["letters that are shown as nothing", "a\u034fd\u115fm\u3164i\uffa0n"],
  ["a variant and a tag that are not seen", "a\ufe0fb\u{e0041}c\u{1d173}"],
  ["a letter taken back", "ok\b\b\u007f"],
  ["a separator of lines", "a\u2028b\u2029c"],
  ["half of a pair", "\ud800"],
];
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;

for (const [what, text] of attacks)
  test(`${what} reaches no terminal, no log and no preview`, () => {
    const problem: Problem = {
      where: text,
      code: "E_REFUSED",
      subject: text,
      found: text,
      expected: text,
      fix: text,
    };
    const finding = { ...problem, verdict: "fail" as const };
    const host = { name: "a", address: "a", reached: true, checks: [], phases: [], findings: [finding] };
    const step = { code: "t.a", fact: text, effect: "none", call: ["a"] } as const;
    const lines = [
      visible(text),
      formatProblem(problem),
      new SealiftError([problem]).message,
      describeDifference({ step, found: text, effect: "none" }),
      columns([[text]]),
      // Colours are switched off where the output is no terminal.
      paint("fail", text),
      ...findingsText([host], { width: 100, paint }).flatMap((block) => block.split("\n")),
      ...visibleLines(text).split("\n"),
    ];
    for (const line of lines) {
      assert.doesNotMatch(line, harmful);
      assert.ok(line.isWellFormed());
    }
  });

test("an escape says what it was, and text that needs no escape stays", () => {
  assert.equal(visible("a\u001b[31mb\u202e"), "a\\u001b[31mb\\u202e");
  assert.equal(visible("a\u{e0041}b"), "a\\udb40\\udc41b", "as JSON has it");
  const plain = "Grüße, 你好, \u{1f6a2}: é, 'a\"b' <c> \\u001b";
  assert.equal(visible(plain), plain);
  assert.equal(visible(visible("\r")), visible("\r"));
  assert.equal(visibleLines("a\nb\r\n"), "a\nb\\u000d\n");
});

test("JSON stays JSON", () => {
  const value = { found: "\u009b31m\u202e" };
  const text = visibleLines(JSON.stringify(value, undefined, 2));
  assert.doesNotMatch(text.replaceAll("\n", ""), harmful);
  assert.deepEqual(JSON.parse(text), value);
});

test("only one module prints to the terminal", () => {
  const files = readdirSync(join(checkout, "cli"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  assert.ok(files.length > 30);
  const direct = files.filter((file) =>
    /console\.\w+\(|process\.std(out|err)\.write\(/.test(readFileSync(join(checkout, "cli", file), "utf8")),
  );
  assert.deepEqual(direct.toSorted(), ["output/print.ts", "output/progress.ts"]);
});
