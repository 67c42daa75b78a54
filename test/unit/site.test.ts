import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { daemonProfiles } from "../../modules/core/profiles.ts";
import { changed, exampleText, problemsOf, siteOf } from "../support/site-text.ts";
import receiptSchema from "../../modules/receipt/receipt.schema.json" with { type: "json" };
import schema from "../../stacks/site.schema.json" with { type: "json" };

test("the documented example is a site, and hosts inherit from it key by key", () => {
  const { hosts, bundle } = siteOf(exampleText);
  assert.equal(bundle.signatures, 2, "one person alone lets nothing into production");
  assert.deepEqual(
    hosts.map(({ name, port, architecture }) => [name, port, architecture]),
    [
      ["node-a", 22, "amd64"],
      ["node-b", 22, "amd64"],
    ],
  );
  const [a, b] = hosts;
  assert.ok(a !== undefined && b !== undefined);
  assert.equal(a.volumes.disk, "/dev/disk/by-id/scsi-36000c29f3c1f0c5e");
  assert.equal(b.volumes.logical.length, 3);
  assert.equal(b.daemon["data-root"], "/data/docker");
  assert.deepEqual(b.daemon["labels"], ["rack=r2"]);
  assert.equal(a.daemon["live-restore"], true);
});

test("the schema of sites and that of receipts are schemas: the program compiles them without a look", () => {
  const ajv = new Ajv2020();
  for (const each of [schema, receiptSchema]) assert.equal(ajv.validateSchema(each), true, ajv.errorsText());
});

test("the defaults of the schema are the defaults of the code", () => {
  const { properties } = schema.$defs.daemon;
  for (const [key, value] of Object.entries(daemonProfiles.baseline)) {
    assert.deepEqual(
      (properties as Partial<Record<string, { default?: unknown }>>)[key]?.default,
      value,
      key,
    );
  }
});

test("every option of the schema says what it is and shows an example", () => {
  const bare: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    const { properties } = node as { properties?: Record<string, Record<string, unknown>> };
    for (const [key, option] of Object.entries(properties ?? {})) {
      const leaf =
        option["properties"] === undefined && option["items"] === undefined && option["$ref"] === undefined;
      if (option["$ref"] === undefined && typeof option["description"] !== "string")
        bare.push(`${path}.${key} description`);
      if (leaf && !Array.isArray(option["examples"])) bare.push(`${path}.${key} examples`);
    }
    for (const [key, child] of Object.entries(node)) walk(child, `${path}.${key}`);
  };
  walk(schema, "");
  assert.deepEqual(bare, []);
});

/** One slip each: what is replaced, by what, and the code, place and words that it has to be refused with. */
const slips: readonly [string, string | RegExp, string, RegExp][] = [
  [
    "misspelt key",
    "allowedSigners:",
    "alowedSigners:",
    /^stack\.yaml:12:7: E_KEY_UNKNOWN bundle\.alowedSigners: .*did you mean "allowedSigners"\?$/,
  ],
  [
    "unknown key",
    "    engine:\n",
    "    swarm: true\n    engine:\n",
    /:19:5: E_KEY_UNKNOWN swarm: got the key "swarm"; expected one of shared, bundle, groups, .*; remove it/,
  ],
  [
    "missing key",
    "        login: ops\n        # ssh",
    "        # ssh",
    /^stack\.yaml:\d+:9: E_KEY_MISSING hosts\[0\]\.login: got nothing; expected the key "login"; add it, like login: "ops"$/,
  ],
  [
    "wrong unit",
    "20GiB",
    "20G",
    /:\d+:\d+: E_UNIT volumes\.logical\[0\]\.size: got "20G"; expected a whole number and GiB or TiB, or 1 to 100 and %FREE; write it like 20GiB$/,
  ],
  [
    "number for a string",
    "max-size: 20m",
    "max-size: 20",
    /E_TYPE daemon\.log-opts\.max-size: got 20; expected a string of digits, with k, m or g after it; write it like "20m", with the quotes$/,
  ],
  [
    "disk not by id",
    "/dev/disk/by-id/scsi-36000c29f3c1f0c5e",
    "/dev/sdb",
    /:\d+:\d+: E_DISK_NAME hosts\[0\]\.volumes\.disk: got "\/dev\/sdb"; expected a path below \/dev\/disk\/by-id\/; run `ls/,
  ],
  [
    "duplicate host",
    "name: node-b",
    "name: node-a",
    /E_DUPLICATE hosts\[1\]\.name: got "node-a"; expected another name than hosts\[0\] has/,
  ],
  [
    "duplicate address",
    "10.20.0.12",
    "10.20.0.11",
    /E_DUPLICATE hosts\[1\]\.address: got "10\.20\.0\.11:22"; expected another address/,
  ],
  [
    "duplicate user",
    /( {6}- name: deploy[^]*?office\n)/,
    "$1$1",
    /E_DUPLICATE users\[1\]\.name: got "deploy"/,
  ],
  ["duplicate volume", "name: logs", "name: svc", /E_DUPLICATE volumes\.logical\[1\]\.name: got "svc"/],
  ["duplicate mount", "mount: /logs", "mount: /svc", /E_DUPLICATE volumes\.logical\[1\]\.mount: got "\/svc"/],
  [
    "uid of the system",
    "uid: 1500",
    "uid: 999",
    /:24:14: E_UID_RANGE users\[0\]\.uid: got 999; expected 1000 to 59999, .*systemUid: true/,
  ],
  ["uid above the range", "uid: 1500", "uid: 60000", /E_UID_RANGE users\[0\]\.uid: got 60000/],
  [
    "no disk",
    /        volumes:\n          disk: .*c1f0c5e\n/,
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disk: got nothing; expected it here or for the whole site/,
  ],
  [
    "data-root on the root disk",
    "/data/docker",
    "/var/lib/docker",
    /E_VALUE daemon\.data-root: got "\/var\/lib\/docker"; expected a path on a mount of the site \(\/svc, \/logs, \/data\)/,
  ],
  [
    "TCP listener",
    "      storage-driver",
    "      hosts: [tcp://0.0.0.0:2375]\n      storage-driver",
    /E_KEY_REFUSED daemon\.hosts: got the key "hosts"; expected no listener .*; remove it, and reach the engine with `docker context create/,
  ],
  [
    "unknown log driver",
    "log-driver: local",
    "log-driver: lokal",
    /E_VALUE daemon\.log-driver: got "lokal"; expected one of local, json-file, journald, syslog/,
  ],
  [
    "options for journald",
    "log-driver: local",
    "log-driver: journald",
    /E_KEY_UNKNOWN daemon\.log-opts\.max-size: got the key "max-size"; .*log-driver journald does not take it/,
  ],
  [
    "rsa host key",
    /hostKey: ssh-ed25519/,
    "hostKey: ssh-rsa",
    /E_VALUE hosts\[0\]\.hostKey: .*expected `ssh-ed25519 <base64>`/,
  ],
  [
    "version range",
    "version: 28.5.2",
    "version: 28.x",
    /E_VALUE engine\.version: got "28\.x"; expected an exact version of three numbers/,
  ],
  [
    "plugin without an exact version",
    "version: 28.5.2",
    "version: 28.5.2\n      compose: latest",
    /E_VALUE engine\.compose: got "latest"; expected an exact version of three numbers, or two for the newest of that line; write it like "5\.5\.1"/,
  ],
  [
    "key with options",
    "- ssh-ed25519 AAAAC3",
    '- command="x" ssh-ed25519 AAAAC3',
    /E_VALUE users\[0\]\.authorizedKeys\[0\]/,
  ],
];

for (const [what, from, to, message] of slips) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(changed(from, to)).map(
      ({ where, code, subject, got, expected, todo }) =>
        `${where}: ${code} ${subject}: got ${got}; expected ${expected}; ${todo}`,
    );
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

test("a uid outside the range is taken when it is said to be meant", () => {
  assert.equal(problemsOf(changed("uid: 1500", "uid: 999\n        systemUid: true")).length, 0);
});

test("all problems of a file are told at once", () => {
  const text = changed("20GiB", "20G").replace("uid: 1500", "uid: x").replace("10.20.0.11", "https://a");
  assert.deepEqual(
    problemsOf(text)
      .map(({ code }) => code)
      .toSorted(),
    ["E_TYPE", "E_UNIT", "E_VALUE"],
  );
});
