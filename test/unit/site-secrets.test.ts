import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { secretKeys } from "../../modules/core/shown.ts";
import { readSite } from "../../modules/core/site/site.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

/** The example with more keys for its user. */
const withUser = (words: string): string => changed("uid: 1500", `uid: 1500\n        ${words}`);
const messages = (text: string): readonly string[] => problemsOf(text).map(formatProblem);
const hash = `$y$j9T$${"x".repeat(22)}$${"y".repeat(43)}`;

test("no message shows a secret, whatever is wrong with it or around it", () => {
  const wrong = [
    "passwordHash: hunter2-in-clear",
    "passwordHash: [hunter2-in-clear]",
    "passwordHash: { a: hunter2-in-clear }",
  ];
  for (const user of wrong) {
    const lines = messages(withUser(user));
    assert.match(
      lines.join(),
      /E_(VALUE|TYPE) users\[0\]\.passwordHash: found: a secret; expected: a hash that begins with/,
    );
    assert.doesNotMatch(lines.join(), /hunter2/);
  }
  const around = "    users:\n      deploy: { uid: 1500, passwordHash: hunter2-in-clear }\n";
  const lines = messages(changed(/ {4}users:\n[^]*?office\n/, around));
  assert.match(lines.join(), /E_TYPE users: found: \{"deploy":\{"uid":1500,"passwordHash":"a secret"\}\}/);
});

test("the secrets of the schema are those that no message shows", () => {
  const found = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, child] of Object.entries(node)) {
      if ((child as { secret?: unknown } | null)?.secret === true && key !== "additionalProperties")
        found.add(key);
      walk(child);
    }
  };
  walk(schema);
  assert.deepEqual([...found], secretKeys);
});

test("a hash in clear text in the file is refused, and one that Pulumi has decrypted is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-site-"));
  try {
    const file = join(folder, "stack.yaml");
    const text = withUser(`passwordHash: "${hash}"`);
    const value = (parse(text) as { config: Record<string, unknown> }).config["sealift:site"];
    writeFileSync(file, text);
    assert.throws(
      () => readSite(value, file),
      (error: unknown) => {
        assert.ok(error instanceof SealiftError);
        assert.match(
          error.message,
          /:\d+:\d+: E_SECRET_PLAIN users\[0\]\.passwordHash: found: a hash in clear text; .* --path 'sealift:site\.passwordHashes\.deploy'$/,
        );
        return !error.message.includes(hash);
      },
    );
    // Nor is it hidden by another way to write it: YAML has several.
    const inHex = hash.replaceAll("$", String.raw`\x24`);
    const ways: readonly [what: string, text: string][] = [
      ["escaped", text.replace(hash, inHex)],
      [
        "with an anchor elsewhere",
        text.replace(`"${hash}"`, "*hash").replace("config:", `note: &hash "${inHex}"\nconfig:`),
      ],
      ["folded", text.replace(`"${hash}"`, `"${hash.slice(0, 20)}\\\n          ${hash.slice(20)}"`)],
      ["as a key", text.replace(hash, "v1:encrypted").replace("config:", `"${inHex}": 1\nconfig:`)],
      [
        "as JSON in a text",
        `config:\n  sealift:site: '${JSON.stringify(value).replaceAll("$", String.raw`\u0024`)}'\n`,
      ],
      ["in a comment", `# ${hash}\n${text.replace(hash, "v1:encrypted")}`],
    ];
    for (const [what, other] of ways) {
      if (what !== "in a comment") assert.ok(!other.includes(hash));
      writeFileSync(file, other);
      assert.throws(() => readSite(value, file), /E_SECRET_PLAIN/, what);
    }
    writeFileSync(file, text.replace(hash, "v1:encrypted"));
    assert.equal(readSite(value, file).hosts.length, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
