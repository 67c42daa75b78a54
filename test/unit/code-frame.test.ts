import assert from "node:assert/strict";
import { test } from "node:test";
import { codeFrames } from "../../modules/core/document/code-frame.ts";
import { frameOf, offerFrames, parsePlace } from "../../modules/core/document/frames.ts";

const frame = (text: string, line: number, column: number): readonly string[] =>
  (codeFrames(text)(line, column) ?? "none").split("\n");

test("a frame is the line with its number, and a mark below the column", () => {
  const text = "hosts:\n  - name: a\r\n    adress: 10.0.0.1\n";
  assert.deepEqual(frame(text, 3, 5), ["  3 |     adress: 10.0.0.1", "    |     ^"]);
  assert.deepEqual(frame(text, 2, 12), ["  2 |   - name: a", "    |            ^"]);
  const tenth = `${"\n".repeat(9)}a: [`;
  assert.deepEqual(frame(tenth, 10, 5), ["  10 | a: [", "     |     ^"]);
  for (const [line, column] of [
    [5, 1],
    [1, 99],
  ] as const)
    assert.deepEqual(frame(text, line, column), ["none"]);
});

test("a long line is cut around its column", () => {
  const [line = "", mark = ""] = frame(`a: ${"x".repeat(500)}!${"y".repeat(500)}`, 1, 504);
  assert.ok(line.length < 110 && line.includes("…") && line.endsWith("…"), line);
  assert.equal(line[mark.indexOf("^")], "!");
});

test("no character of a file moves the cursor, and the mark stays below its column", () => {
  const [line = "", mark = ""] = frame('a: "\u001b[2J\u202e\t"  # x\nb: 1\n', 1, 14);
  assert.equal(line, '  1 | a: "\\u001b[2J\\u202e\\u0009"  # x');
  assert.equal(line[mark.indexOf("^")], "#");
});

/** Each text has the secret once, on the line that is shown. */
const hidden: readonly (readonly [what: string, line: number, text: string])[] = [
  ["a hash", 2, "users:\n  - { name: a, passwordHash: hunter2 }\n"],
  ["a map of hashes", 2, "passwordHashes:\n  alice: hunter2\n"],
  ["a value that Pulumi has encrypted", 3, "passwordHashes:\n  alice:\n    secure: hunter2\n"],
  ["a key that nobody knows", 1, "registryPassword: hunter2\n"],
  ["a value on the next line", 2, "passwordHash:\n  hunter2\n"],
  ["a flow map of several lines", 2, 'users: [{ passwordHash:\n"hunter2" }]\n'],
  ["a block of several lines", 3, "passwordHash: |\n  first\n  hunter2\n"],
  ["an anchor of a secret", 1, "note: &x hunter2\npasswordHash: *x\n"],
  ["an anchor that a map of hashes uses", 1, "note: &x hunter2\npasswordHashes: { alice: *x }\n"],
  ["a URL", 1, "proxy: http://a:hunter2@proxy/\n"],
  ["a URL with a quote in its password", 1, "proxy: http://a:hunter2'b@proxy/\n"],
  ["a login without a scheme", 1, 'proxy: "a:hunter2 and more@proxy"\n'],
  ["a comment", 2, "a: 1\n# passwordHash: hunter2\n"],
  ["a hash of crypt(5) under any key", 1, "note: $6$salt$hunter2\n"],
  ["a broken file", 2, "a: [\n  passwordHash: hunter2\n"],
  [
    "the next line of a broken file",
    3,
    "a: {{\nusers:\n  passwordHash:\n      hunter2\n".replace("users:\n", ""),
  ],
];
for (const [what, line, text] of hidden)
  test(`no frame shows a secret: ${what}`, () => {
    const source = text.split("\n")[line - 1] ?? "";
    assert.match(source, /hunter2/);
    for (let column = 1; column <= source.length + 1; column++) {
      const shown = frame(text, line, column).join("\n");
      assert.doesNotMatch(shown, /hunter|nter2/, `column ${column}`);
      assert.match(shown, /\*\*\*/);
    }
  });

test("what is no secret stays: names, image digests, the keys beside a secret", () => {
  const text = "users:\n  - { name: alice, passwordHash: x, uid: 1000 }\nimages: [a.corp:5000/b@sha256:0a]\n";
  assert.deepEqual(frame(text, 3, 10)[0], "  3 | images: [a.corp:5000/b@sha256:0a]");
  assert.match(frame(text, 2, 5)[0] ?? "", /name: alice, passwordHash: \*\*\*/);
  assert.match(frame("passwordHashes:\n  alice: x\n", 2, 3)[0] ?? "", /alice: ?\*\*\*/);
});

test("only a place in a file that was offered has a frame", () => {
  offerFrames("stacks/frame-test.site.yaml", codeFrames("a: 1\n"));
  assert.equal(frameOf({ where: "stacks/frame-test.site.yaml:1:4" }), "  1 | a: 1\n    |    ^");
  for (const where of ["stacks/frame-test.site.yaml", "bundle/lock.yaml:1:1", "node-a", "[fd00::5]:22"])
    assert.equal(frameOf({ where }), undefined);
  assert.deepEqual(parsePlace("a:1/b.yaml:3:14"), { file: "a:1/b.yaml", line: 3, column: 14 });
  assert.deepEqual(parsePlace("[fd00::5]:22"), { file: "[fd00::5]:22" });
});
