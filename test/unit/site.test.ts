import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
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
    /:\d+:\d+: E_DISK_NAME hosts\[0\]\.volumes\.disk: got "\/dev\/sdb"; expected a path below \/dev\/disk\/by-id\/, or below .*; run `ls/,
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
    "a port in an address",
    "address: 10.20.0.11",
    "address: 10.20.0.11:2222",
    /:\d+:\d+: E_VALUE hosts\[0\]\.address: got "10\.20\.0\.11:2222"; expected .* without a port; write address: 10\.20\.0\.11 and port: 2222$/,
  ],
  [
    "an address that inet_aton would read as octal",
    "address: 10.20.0.11",
    "address: 10.20.0.011",
    /E_VALUE hosts\[0\]\.address: got "10\.20\.0\.011"; .*; write 10\.20\.0\.11, if that is what it means$/,
  ],
  [
    "a part of an address",
    "address: 10.20.0.11",
    "address: '10.20'",
    /E_VALUE hosts\[0\]\.address: got "10\.20"/,
  ],
  ["no IPv6", "address: 10.20.0.11", "address: 'fd00::11:22:zz'", /E_VALUE hosts\[0\]\.address/],
  [
    "an empty label",
    "address: 10.20.0.11",
    "address: node..corp",
    /E_VALUE hosts\[0\]\.address: .*a host name/,
  ],
  [
    "one IPv6 address in two forms",
    /address: 10\.20\.0\.11([^]*)address: 10\.20\.0\.12/,
    "address: fd00::11$1address: FD00:0:0::0011",
    /E_DUPLICATE hosts\[1\]\.address: got "\[fd00::11\]:22"/,
  ],
  [
    "one name in two forms",
    /address: 10\.20\.0\.11([^]*)address: 10\.20\.0\.12/,
    "address: node.corp$1address: Node.CORP",
    /E_DUPLICATE hosts\[1\]\.address/,
  ],
  [
    "a version that YAML takes for a number",
    "version: 28.5.2",
    "version: 28.10",
    /E_TYPE engine\.version: got 28\.1; expected .*; put it in quotes, like "28\.5\.2": without them YAML takes it for a number and drops zeros$/,
  ],
  [
    "an image by a short name",
    "    users:\n",
    "    images: [rancher/pause:3.6]\n    users:\n",
    /:\d+:\d+: E_VALUE images\[0\]: got "rancher\/pause:3\.6"; expected a full name with registry and tag; write docker\.io\/rancher\/pause:3\.6$/,
  ],
  [
    "an image of Docker Hub's own without library",
    "    users:\n",
    "    images: [docker.io/busybox:1.37]\n    users:\n",
    /E_VALUE images\[0\]: .*; write docker\.io\/library\/busybox:1\.37$/,
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

/** What people have, and what was refused once. */
const taken: readonly [string, string | RegExp, string][] = [
  ["a host with its domain", "name: node-a\n", "name: node-a.site.example\n"],
  ["an IPv6 address", "address: 10.20.0.11", "address: fd00::11"],
  ["the volume group of Ubuntu's installer", "group: vg0", "group: ubuntu-vg"],
  ["the volume group of Red Hat's", "group: vg0", "group: VolGroup00"],
  ["a disk by its place", "by-id/scsi-36000c29f3c1f0c5e", "by-path/pci-0000:03:00.0-scsi-0:0:1:0"],
  ["a disk with #", "by-id/scsi-36000c29f3c1f0c5e", "by-id/virtio-BLK#1"],
  ["a disk with =", "by-id/scsi-36000c29f3c1f0c5e", "by-id/scsi-SDELL_PERC_00a=b"],
  ["a disk whose name udev had to write otherwise", "by-id/scsi-36000c29f3c1f0c5e", "by-id/ata-X\\x2fY"],
  ["a multipath disk", "by-id/scsi-36000c29f3c1f0c5e", "by-id/dm-uuid-mpath-3600a098000aaaa"],
  ["a mount in capitals", /\/data/g, "/Data"],
  [
    "an image of another registry",
    "    users:\n",
    "    images: ['registry.corp:5000/team/app:1']\n    users:\n",
  ],
];
for (const [what, from, to] of taken) {
  test(`taken: ${what}`, () => {
    assert.deepEqual(problemsOf(changed(from, to)).map(formatProblem), []);
  });
}
