import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { beforeEach, test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { composeSite, readSite } from "../../modules/core/site/site.ts";
import type { Site } from "../../modules/core/site/site-spec.ts";
import { closedSecret, environments, readStackFile } from "../../modules/environments/stack-file.ts";
import { exampleText } from "../support/fixtures/site-text.ts";
import { undoAfter } from "../support/process/undo.ts";

const siteFile = readFileSync(new URL("../../stacks/example.site.yaml", import.meta.url), "utf8");
const hash = `$6$abc$${"x".repeat(86)}`;
const undo = undoAfter();
let folder = "";
beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), "sealift-site-"));
  undo(() => {
    rmSync(made, { recursive: true });
  });
  folder = relative(process.cwd(), made);
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

/** The effective site. */
function read(environment = "prod"): Site {
  const { file, value } = readStackFile(environment, folder);
  return readSite(value, file);
}

/** The lines of its refusal, without the folder. */
function refusal(environment = "prod"): string {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof SealiftError) return error.message.replaceAll(`${folder}/`, "");
    throw error;
  }
  return "not refused";
}

test("a site in a file of its own is the same site as in the stack's file", () => {
  write("Pulumi.old.yaml", exampleText);
  write("prod.site.yaml", siteFile);
  const old = read("old");
  assert.deepEqual(read(), old);
  write("Pulumi.prod.yaml", "encryptionsalt: v1:abc\n");
  assert.deepEqual(read(), old);
  write("Pulumi.prod.yaml", "encryptionsalt: v1:abc\nconfig:\n  aws:region: eu\n");
  assert.deepEqual(read(), old);
  assert.deepEqual(environments(folder), ["old", "prod"]);
});

test("without the stack's file nothing of the site is lost, and without either the message names the other one", () => {
  write("prod.site.yaml", siteFile);
  assert.equal(readStackFile("prod", folder).file, `${folder}/prod.site.yaml`);
  assert.match(
    refusal("prd"),
    /Pulumi\.prd\.yaml: E_SITE_MISSING prd: .* environment of this checkout: prod;/,
  );
});

test("a typo is shown at its line of the file that it is in", () => {
  write("prod.site.yaml", siteFile.replace("minSignatures: 2", "minSignatures: two"));
  assert.match(refusal(), /^prod\.site\.yaml:\d+:18: E_TYPE bundle\.minSignatures: found: "two"/);
  write("prod.site.yaml", "bundle: [\n");
  assert.match(refusal(), /^prod\.site\.yaml:2:1: E_YAML the file/);
  write("prod.site.yaml", "- a\n");
  assert.match(refusal(), /^prod\.site\.yaml: E_TYPE the site: found: no keys/);
});

test("secrets stay in the stack's file and are assigned to users by name, wherever these are written", () => {
  const eve = "  - name: eve\n    uid: 1501\n    authorizedKeys: []\n";
  const own = siteFile.replace(
    "    daemon:\n      labels",
    `    users:\n${eve.replace(/^/gm, "    ").trimEnd()}\n    daemon:\n      labels`,
  );
  assert.notEqual(own, siteFile);
  write("prod.site.yaml", own);
  const secrets = "{ deploy: { secure: v1:a:b }, eve: { secure: v1:c:d } }";
  write("Pulumi.prod.yaml", `config:\n  sealift:site:\n    passwordHashes: ${secrets}\n`);
  const { unread, file, value } = readStackFile("prod", folder);
  assert.deepEqual(unread, ["passwordHashes.deploy", "passwordHashes.eve"]);
  const site = readSite(value, file);
  const hashes = site.hosts.map(({ users }) => users.map(({ name, passwordHash }) => [name, passwordHash]));
  assert.deepEqual(hashes, [[["deploy", closedSecret]], [["eve", closedSecret]]]);
  const { origins } = composeSite(value, file);
  assert.equal(origins.locate(["users", 0, "passwordHash"]), `${folder}/Pulumi.prod.yaml:3:31`);
  assert.match(origins.locate(["users", 0, "name"]), /prod\.site\.yaml:\d+:11$/);
});

/** One mistake each: the text below `sealift:site` in the stack's file, and the message of the refusal. */
const mistakes: [string, RegExp][] = [
  [
    "passwordHashes: { nobody: { secure: v1:a } }",
    /^Pulumi\.prod\.yaml:3:31: E_VALUE passwordHashes\.nobody: found: no such user; expected: a user of the site: deploy; fix: .*config rm/,
  ],
  [
    `passwordHashes: { deploy: "${hash}" }`,
    /^Pulumi\.prod\.yaml:3:31: E_SECRET_PLAIN users\[0\]\.passwordHash: .*passwordHashes\.deploy'$/,
  ],
  [
    "passwordHashes: { deploy: hunter2 }",
    /^Pulumi\.prod\.yaml:3:31: E_VALUE users\[0\]\.passwordHash: found: a secret; expected: a hash[^\n]*$/,
  ],
  [
    "passwordHashes: [hunter2]",
    /^Pulumi\.prod\.yaml:3:21: E_TYPE passwordHashes: found: a secret; expected: a value of type object/,
  ],
  [
    "users: [{ passwordHash: { secure: v1:a } }]",
    /^Pulumi\.prod\.yaml:3:5: E_CONFLICT users: found: a part of the site, in addition to prod\.site\.yaml; .*passwordHashes\.<user>'$/,
  ],
];
for (const [message, words] of mistakes) {
  test(`the stack's file beside the site's: ${message}`, () => {
    write("prod.site.yaml", siteFile);
    write("Pulumi.prod.yaml", `config:\n  sealift:site:\n    ${message}\n`);
    assert.match(refusal(), words);
    assert.doesNotMatch(refusal(), /hunter2|xxxx/);
  });
}

test("a secret in the site's own file is refused, and one user has one hash", () => {
  write("prod.site.yaml", `${siteFile}passwordHashes: { deploy: "${hash}" }\n`);
  assert.match(refusal(), /^prod\.site\.yaml:\d+:1: E_SECRET_PLAIN passwordHashes: /);
  const twice = exampleText.replace(
    "        uid: 1500\n",
    `        uid: 1500\n        passwordHash: { secure: v1:a }\n`,
  );
  write("Pulumi.prod.yaml", `${twice}    passwordHashes: { deploy: "$6$other$${"y".repeat(86)}" }\n`);
  rmSync(join(folder, "prod.site.yaml"));
  assert.match(refusal(), /^Pulumi\.prod\.yaml:\d+:\d+: E_CONFLICT passwordHashes\.deploy: /);
});
