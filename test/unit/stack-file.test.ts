import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { closedSecret, readStackFile } from "../../modules/environments/stack-file.ts";
import { checkout } from "../lab/cache.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-stack-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("an environment's file, without its secrets", () => {
  const site = `config:
  sealift:site:
    users:
      - name: deploy
        passwordHash: { secure: v1:abc:def }
    keys: [{ secure: v1:x }, plain]
    engine: { secure: true, version: 1.2.3 }
`;
  writeFileSync(join(folder, "Pulumi.prod.yaml"), site);
  const { value, unread } = readStackFile("prod", folder);
  assert.deepEqual(value, {
    users: [{ name: "deploy", passwordHash: closedSecret }],
    keys: [closedSecret, "plain"],
    engine: { secure: true, version: "1.2.3" },
  });
  assert.deepEqual(unread, ["users[0].passwordHash", "keys[0]"]);
});

test("the placeholder of an encrypted secret passes the schema wherever there is one", () => {
  const secrets: string[] = [];
  JSON.parse(readFileSync(join(checkout, "stacks", "site.schema.json"), "utf8"), (_key, value: unknown) => {
    const { secret, pattern } = (value ?? {}) as { secret?: boolean; pattern?: string };
    if (secret === true) secrets.push(pattern ?? "");
    return value;
  });
  assert.ok(secrets.length > 0);
  for (const pattern of secrets) assert.match(closedSecret, new RegExp(pattern));
});

test("an empty file is an environment without a site", () => {
  for (const text of ["", "config:\n", "config: {}\n"]) {
    writeFileSync(join(folder, "Pulumi.empty.yaml"), text);
    const { value, problems } = readStackFile("empty", folder);
    assert.deepEqual([value, problems], [undefined, []]);
  }
  rmSync(join(folder, "Pulumi.empty.yaml"));
});

test("an environment that does not exist, and one that is no YAML", () => {
  writeFileSync(join(folder, "Pulumi.broken.yaml"), "config:\n  - a: [1\n");
  const message = (environment: string): string => {
    try {
      readStackFile(environment, folder);
    } catch (error) {
      if (error instanceof SealiftError) return error.message.replaceAll(folder, "stacks");
      throw error;
    }
    return "";
  };
  assert.match(message("broken"), /^stacks\/Pulumi\.broken\.yaml:3:1: E_YAML the file: found: /);
  assert.match(
    message("prd"),
    /^stacks\/Pulumi\.prd\.yaml: E_SITE_MISSING prd: found: no such file; expected: an environment of this checkout: broken, prod; fix: choose one/,
  );
});
