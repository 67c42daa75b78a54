import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { quote } from "../../modules/core/quote.ts";

test("plain words stay as they are", () => {
  for (const word of ["vg0", "/dev/disk/by-id/scsi-1", "a=b", "user@host:22", "20%", "1,2"]) {
    assert.equal(quote(word), word);
  }
});

test("everything else is put into single quotes", () => {
  const golden: Record<string, string> = {
    "": "''",
    " ": "' '",
    "it's": `'it'\\''s'`,
    $HOME: "'$HOME'",
    "`id`": "'`id`'",
    '"a": "b"': `'"a": "b"'`,
    "a;b": "'a;b'",
    "*": "'*'",
    "~": "'~'",
    "#": "'#'",
    "=ls": "'=ls'",
    größe: "'größe'",
  };
  for (const [word, quoted] of Object.entries(golden)) assert.equal(quote(word), quoted);
});

test("a control character is refused, so that a plan stays one call per line", () => {
  for (const word of ["a\nb", "a\tb", "\0", "\u001b[31m", "\u009b"])
    assert.throws(() => quote(word), TypeError);
});

test("a real POSIX shell reads back exactly the words that were quoted", () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      const script = `printf '%s\\n' ${words.map(quote).join(" ")}`;
      const read = execFileSync("sh", ["-c", script], { encoding: "utf8" });
      assert.deepEqual(read.split("\n").slice(0, -1), words);
    }),
    { numRuns: 100 },
  );
});
