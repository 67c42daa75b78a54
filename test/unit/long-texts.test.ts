/**
 * External texts whose form makes a naive pattern backtrack: with this length it would take hours or days. Each is read in linear time, so
 * that these tests end.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { textProblems } from "../../modules/core/site/text-problems.ts";
import { visibleOneLine, visible } from "../../modules/core/visible.ts";
import { parsePackages, parseRelease } from "../../offline-bundle/upstream/apt-repository.ts";
import { hashesIn } from "../../offline-bundle/locking/checksums.ts";
import { readDeb } from "../../offline-bundle/upstream/deb.ts";
import { dearmored } from "../../offline-bundle/upstream/openpgp.ts";
import { limits } from "../../offline-bundle/io/limits.ts";
import { writeDeb } from "../support/fixtures/deb-package.ts";
import { superlinear } from "../support/assert/pattern-work.ts";

const length = limits.checksums;
const blanks = " ".repeat(length);
const hash = "ab".repeat(32);
/** It ends a line for `$` and not for `.`, or is no blank: what came before is tried again in every other way. */
const ends = ["\u0001", "\u2028", "\rx", "x"];

test("a checksum file of blanks, or of one hash and one endless name, has no entry", () => {
  for (const end of ends)
    for (const text of [
      `${hash} ${blanks}${end}`,
      `${hash}  x${blanks}${end}`,
      `${hash}  ${"x ".repeat(length / 2)}${end}`,
      `SHA256 (${`) = ${hash} `.repeat(length / 70)}${end}`,
      `${blanks}${hash}${blanks}${end}`,
    ])
      assert.deepEqual(hashesIn(text, "file", "SHA256SUMS"), []);
  assert.deepEqual(hashesIn(`${hash}  *a/file${blanks}\r\n`, "file", "SHA256SUMS"), [hash]);
});

test("a Release and a Packages file with endless fields are read", () => {
  for (const end of ends) {
    const text = `Suite:${blanks}${end}\nSHA256:\n ${hash}${blanks}1${blanks}${end}${blanks}\nCodename: noble\n`;
    assert.equal(parseRelease(text).codename, "noble");
    assert.equal(
      parsePackages(`Package:${blanks}${end}\nVersion: 1\n${"\n".repeat(length)}`)[0]?.version,
      "1",
    );
  }
});

test("an armored text with many beginnings and no end has no block", () => {
  const begin = "-----BEGIN PGP SIGNATURE-----\n";
  assert.equal(dearmored(Buffer.from(begin.repeat(length / begin.length))).length, 0);
  assert.equal(dearmored(Buffer.from(`-----BEGIN PGP ${"A ".repeat(length)}\n`)).length, 0);
  const key = `${begin}Version: 1\n\naGVs\nbG8=\n=abcd\n-----END PGP SIGNATURE-----\n`;
  assert.equal(dearmored(Buffer.from(`${begin}${key}${key}`)).toString(), "hellohello");
});

test("a value of the site file with logins of every form is read", () => {
  const reported = (text: string): number => textProblems({ key: text }, () => "site.yaml").length;
  const some = 100_000;
  const found = new Set<number>();
  for (const part of ["://a:b", "://", "http://x", ":", "a:1", "https://a:1", "://a:1b", "@"])
    for (const start of ["", "://", "https://"])
      for (const end of ["", " @", "/x@", "x@", "@\n", " http://me@host"]) {
        const short = reported(`${start}${part.repeat(3)}${end}`);
        assert.equal(
          reported(`${start}${part.repeat(some / part.length)}${end}`),
          short,
          `${start}${part}${end}`,
        );
        found.add(short);
      }
  assert.deepEqual([...found].sort(), [0, 1]);
});

test("a superlinear pattern is recognized by its form", () => {
  const bad = [
    "^(a+)+$",
    "^(a|a)*$",
    "^(a*)*$",
    "^\\s*x?\\s*$",
    "^a*a*$",
    "^[a-z]+[a-z0-9]+$",
    "^(a|ab|b)*$",
  ];
  const open = ["\\s+$", "a*b", "^x(b+b+c)?", "://[^/]*:[^/]*@", "^(?!(x+)+y)", "^(a{0,9}){2,9}$"];
  for (const one of [...bad, ...open]) assert.notEqual(superlinear(one), undefined, one);
  const good = [
    "^(ab|ac)*$",
    "^a*b*$",
    "^[a-z]*[a-z]$",
    "^x",
    "[ab]",
    "a+",
    "^(?!(x/)*y)[a-z]+$",
    "^(/[a-z]+)*/$",
  ];
  for (const one of good) assert.equal(superlinear(one), undefined, one);
});

test("every pattern of the schemas is anchored at the beginning and linear", async () => {
  const patterns = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "pattern" && typeof inner === "string") patterns.add(inner);
      if (key === "patternProperties") Object.keys(inner as object).forEach((one) => patterns.add(one));
      collect(inner);
    }
  };
  for (const folder of ["stacks", "offline-bundle", "modules/receipt"])
    for (const name of await readdir(folder))
      if (name.endsWith(".schema.json")) collect(JSON.parse(await readFile(join(folder, name), "utf8")));
  assert.ok(patterns.size > 70, String(patterns.size));
  for (const one of patterns) {
    assert.equal(superlinear(one), undefined);
    // Ajv compiles them with `u`; a `|` outside of all groups would leave the second half without its ^.
    assert.match(one, /^\^/);
    assert.doesNotMatch(
      one.replaceAll(/\[(?:\\.|[^\]\\])*\]|\\./g, "").replace(/^\^.*\$\|\^/, "^"),
      /^[^()]*\|/,
    );
  }
});

test("a control file with endless fields is read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-long-"));
  try {
    const path = join(folder, "x.deb");
    // Of a control file no more than the first MiB is kept.
    const some = " ".repeat(900_000);
    for (const end of ends) {
      await writeDeb(path, `Package: x${some}${end}\nVersion: 1\nArchitecture:\tall \n`);
      const { Version, Architecture } = await readDeb(path);
      assert.deepEqual([Version, Architecture], ["1", "all"]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a program's complaint becomes one line, whatever blanks are in it", () => {
  assert.equal(visibleOneLine(`a ${blanks}\n${blanks}\n b${blanks}c\r\n`), `a b${blanks}c`);
  assert.equal(visible("://a:b".repeat(length / 6)).length, length - (length % 6));
});
