import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { daemonProfiles } from "../../modules/core/site/profiles.ts";
import { changed, exampleText, problemsOf, siteOf } from "../support/fixtures/site-text.ts";
import receiptSchema from "../../modules/receipt/receipt.schema.json" with { type: "json" };
import schema from "../../stacks/site.schema.json" with { type: "json" };

test("the documented example is a site, and hosts inherit from it key by key", () => {
  const { hosts, bundle } = siteOf(exampleText);
  assert.equal(bundle.minSignatures, 2, "one person alone lets nothing into production");
  assert.deepEqual(
    hosts.map(({ name, port, architecture }) => [name, port, architecture]),
    [
      ["node-a", 22, "amd64"],
      ["node-b", 22, "amd64"],
    ],
  );
  const [a, b] = hosts;
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual(a.volumes.disks, [{ id: "/dev/disk/by-id/scsi-36000c29f3c1f0c5e" }]);
  assert.equal(b.volumes.logicalVolumes.length, 3);
  assert.equal(b.daemon["data-root"], "/data/docker");
  assert.deepEqual(b.daemon["labels"], ["rack=r2"]);
  assert.equal(a.daemon["live-restore"], true);
});

test("the schemas of sites and receipts are valid: the program compiles them without validation", () => {
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

test("every option of the schema has a description and an example", () => {
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

/** One mistake each: what is replaced, by what, and the code, place and message of the refusal. */
const mistakes: readonly [string, string | RegExp, string, RegExp][] = [
  [
    "misspelt key",
    "allowedSigners:",
    "alowedSigners:",
    /^stack\.yaml:12:7: E_KEY_UNKNOWN bundle\.alowedSigners: .*did you mean "allowedSigners"\?$/,
  ],
  [
    "unknown key",
    "    engine:\n",
    "    kubernetes: true\n    engine:\n",
    /:19:5: E_KEY_UNKNOWN kubernetes: found: the key "kubernetes"; expected: one of shared, bundle, groups, .*; fix: remove it/,
  ],
  [
    "missing key",
    "        sshUser: ops\n        # ssh",
    "        # ssh",
    /^stack\.yaml:\d+:9: E_KEY_MISSING hosts\[0\]\.sshUser: found: nothing; expected: the key "sshUser"; fix: add it, like sshUser: "ops"$/,
  ],
  [
    "wrong unit",
    "20GiB",
    "20G",
    /:\d+:\d+: E_UNIT volumes\.logicalVolumes\[0\]\.size: found: "20G"; expected: a whole number and GiB or TiB, or 1 to 100 and %FREE; fix: write it like 20GiB$/,
  ],
  [
    "number for a string",
    "max-size: 20m",
    "max-size: 20",
    /E_TYPE daemon\.log-opts\.max-size: found: 20; expected: a string of digits, with k, m or g after it; fix: write it like "20m", with the quotes$/,
  ],
  [
    "disk not by id",
    "/dev/disk/by-id/scsi-36000c29f3c1f0c5e",
    "/dev/sdb",
    /:\d+:\d+: E_DISK_NAME hosts\[0\]\.volumes\.disks\[0\]\.id: found: "\/dev\/sdb"; expected: a path below \/dev\/disk\/by-id\/, or below .*; fix: run `ls/,
  ],
  [
    "duplicate host",
    "name: node-b",
    "name: node-a",
    /E_DUPLICATE hosts\[1\]\.name: found: "node-a"; expected: a unique name; hosts\[0\] has the same/,
  ],
  [
    "duplicate address",
    "10.20.0.12",
    "10.20.0.11",
    /E_DUPLICATE hosts\[1\]\.address: found: "10\.20\.0\.11:22"; expected: a unique address/,
  ],
  [
    "a port in an address",
    "address: 10.20.0.11",
    "address: 10.20.0.11:2222",
    /:\d+:\d+: E_VALUE hosts\[0\]\.address: found: "10\.20\.0\.11:2222"; expected: .* without a port; fix: set address: 10\.20\.0\.11 and port: 2222$/,
  ],
  [
    "an address that inet_aton would read as octal",
    "address: 10.20.0.11",
    "address: 10.20.0.011",
    /E_VALUE hosts\[0\]\.address: found: "10\.20\.0\.011"; .*; fix: write 10\.20\.0\.11 if that is the intended address$/,
  ],
  [
    "a part of an address",
    "address: 10.20.0.11",
    "address: '10.20'",
    /E_VALUE hosts\[0\]\.address: found: "10\.20"/,
  ],
  ...(
    [
      ["0.0.0.0", "the address of one machine"],
      ["255.255.255.255", "the address of one machine"],
      ["224.0.0.5", "the address of one machine"],
      ["fe80::11", "the address of one machine"],
      ["'0x0a140b0b'", "a host name: labels"],
      ["'[fd00::11]:22'", ".*; fix: write the IPv6 address without brackets, and set a port with port:"],
      ["fe80::11%eth0", ".*; fix: use an address without a zone"],
      ["ssh://10.20.0.11", ".*; fix: remove the scheme"],
      ["ops@10.20.0.11", ".*; fix: remove the user, and set it with sshUser:"],
      ["node-a.corp.", ".*; fix: remove the dot at the end"],
    ] as const
  ).map(([address, says]): [string, string, string, RegExp] => [
    `the address ${address}`,
    "address: 10.20.0.11",
    `address: ${address}`,
    new RegExp(`^stack\\.yaml:\\d+:\\d+: E_VALUE hosts\\[0\\]\\.address: found: .*; expected: ${says}`),
  ]),
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
    /E_DUPLICATE hosts\[1\]\.address: found: "\[fd00::11\]:22"/,
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
    /E_TYPE engine\.version: found: 28\.1; expected: .*; fix: put it in quotes, like "28\.5\.2": without quotes YAML reads a number and drops zeros$/,
  ],
  [
    "an image by a short name",
    "    users:\n",
    "    images: [rancher/pause:3.6]\n    users:\n",
    /:\d+:\d+: E_VALUE images\[0\]: found: "rancher\/pause:3\.6"; expected: a full name with registry and tag; fix: write docker\.io\/rancher\/pause:3\.6$/,
  ],
  [
    "an image of Docker Hub's own without library",
    "    users:\n",
    "    images: [docker.io/busybox:1.37]\n    users:\n",
    /E_VALUE images\[0\]: .*; fix: write docker\.io\/library\/busybox:1\.37$/,
  ],
  [
    "an image for hosts with the classic store and without a registry",
    "    users:\n",
    "    images: [docker.io/library/busybox:1.37]\n    users:\n",
    /:\d+:\d+: E_IMAGE_LOAD images: found: images for hosts with the classic image store and without a registry \(node-a, node-b\); expected: a registry, or the containerd image store: .*moby#43570\); fix: add registry: to the site, or /,
  ],
  [
    "an image of one such host",
    "        address: 10.20.0.11\n",
    "        address: 10.20.0.11\n        images: [docker.io/library/busybox:1.37]\n",
    /E_IMAGE_LOAD hosts\[0\]\.images: found: .* \(node-a\); /,
  ],
  [
    "duplicate user",
    /( {6}- name: deploy[^]*?office\n)/,
    "$1$1",
    /E_DUPLICATE users\[1\]\.name: found: "deploy"/,
  ],
  [
    "duplicate volume",
    "name: logs",
    "name: svc",
    /E_DUPLICATE volumes\.logicalVolumes\[1\]\.name: found: "svc"/,
  ],
  [
    "duplicate mount",
    "mount: /logs",
    "mount: /svc",
    /E_DUPLICATE volumes\.logicalVolumes\[1\]\.mount: found: "\/svc"/,
  ],
  [
    "uid of the system",
    "uid: 1500",
    "uid: 999",
    /:24:14: E_UID_RANGE users\[0\]\.uid: found: 999; expected: 1000 to 59999, .*allowSystemId: true/,
  ],
  ["uid above the range", "uid: 1500", "uid: 60000", /E_UID_RANGE users\[0\]\.uid: found: 60000/],
  [
    "no disk",
    /        volumes:\n          disks: .*c1f0c5e .*\n/,
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disks: found: nothing; expected: the key, here or for the whole site/,
  ],
  [
    "data-root on the root disk",
    "/data/docker",
    "/var/lib/docker",
    /E_VALUE daemon\.data-root: found: "\/var\/lib\/docker"; expected: a path on a mount of the site \(\/svc, \/logs, \/data\)/,
  ],
  [
    "TCP listener",
    "      storage-driver",
    "      hosts: [tcp://0.0.0.0:2375]\n      storage-driver",
    /E_KEY_REFUSED daemon\.hosts: found: the key "hosts"; expected: no listener .*; fix: remove it, and reach the engine with `docker context create/,
  ],
  [
    "unknown log driver",
    "log-driver: local",
    "log-driver: lokal",
    /E_VALUE daemon\.log-driver: found: "lokal"; expected: one of local, json-file, journald, syslog/,
  ],
  [
    "options for journald",
    "log-driver: local",
    "log-driver: journald",
    /E_KEY_UNKNOWN daemon\.log-opts\.max-size: found: the key "max-size"; .*log-driver journald does not support it/,
  ],
  [
    "rsa host key",
    /hostKey: ssh-ed25519/,
    "hostKey: ssh-rsa",
    /E_VALUE hosts\[0\]\.hostKey: .*expected: `ssh-ed25519 <base64>`/,
  ],
  [
    "version range",
    "version: 28.5.2",
    "version: 28.x",
    /E_VALUE engine\.version: found: "28\.x"; expected: an exact version \(three numbers\)/,
  ],
  [
    "plugin without an exact version",
    "version: 28.5.2",
    "version: 28.5.2\n      compose: latest",
    /E_VALUE engine\.compose: found: "latest"; expected: an exact version \(three numbers\), or a release series \(two numbers\); fix: write it like "5\.5\.1"/,
  ],
  [
    "key with options",
    "- ssh-ed25519 AAAAC3",
    '- command="x" ssh-ed25519 AAAAC3',
    /E_VALUE users\[0\]\.authorizedKeys\[0\]/,
  ],
];

test("a misspelled required key is reported once, not as unknown and missing", () => {
  const wrong = problemsOf(
    changed(
      "        daemon:\n",
      "        daemon:\n          default-ulimits: { nofile: { name: nofile, soft: 1024, Hard: 4096 } }\n",
    ),
  );
  assert.deepEqual(
    wrong.map(({ code, subject, fix }) => `${code} ${subject}: ${fix}`),
    [
      'E_KEY_UNKNOWN hosts[1].daemon.default-ulimits.nofile.name: did you mean "Name"?',
      'E_KEY_UNKNOWN hosts[1].daemon.default-ulimits.nofile.soft: did you mean "Soft"?',
    ],
  );
});

for (const [what, from, to, message] of mistakes) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(changed(from, to)).map(
      ({ where, code, subject, found, expected, fix }) =>
        `${where}: ${code} ${subject}: found: ${found}; expected: ${expected}; fix: ${fix}`,
    );
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

test("a uid outside the range is accepted if it is marked as intended", () => {
  assert.equal(problemsOf(changed("uid: 1500", "uid: 999\n        allowSystemId: true")).length, 0);
});

test("all problems of a file are reported at once", () => {
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
    "an image of another registry, with the containerd store",
    "storage-driver: overlay2",
    "features: { containerd-snapshotter: true }\n    images: ['registry.corp:5000/team/app:1']",
  ],
];
for (const [what, from, to] of taken) {
  test(`accepted: ${what}`, () => {
    assert.deepEqual(problemsOf(changed(from, to)).map(formatProblem), []);
  });
}
