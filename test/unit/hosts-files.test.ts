import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { yamlValue } from "../../modules/core/document/parse-yaml.ts";
import { readSite } from "../../modules/core/site/site.ts";
import { readStackFile } from "../../modules/environments/stack-file.ts";
import { cachePath } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = relative(".", await mkdtemp(cachePath("test", "hosts-")));
  undo(() => rm(folder, { recursive: true }));
});

/** The places and codes that these files are refused with, in the order of the places. */
async function refusals(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const problems = await assertRefused(read(files));
  return problems.map(({ where, code }) => `${relative(folder, where)} ${code}`).toSorted();
}

const site = `bundle: { directory: bundle, allowedSigners: signers }
engine: { version: "28.5.2" }
volumes: { existing: [{ mount: /data }] }
daemon: { data-root: /data/docker }
classes: { rack: { sshUser: ops } }
hosts:
  - hosts/rack1.yaml
  - name: node-z
    class: rack
    address: 10.20.9.9
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab
  - hosts/rack2.yaml
`;

function hosts(rack: number, more = ""): string {
  return ["a", "b"]
    .map((letter, index) => {
      const key = "AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab";
      return `- name: node-${letter}${rack}
  class: rack
  rack: r${rack}
  address: 10.20.${rack}.${index}
  hostKey: ssh-ed25519 ${key}
${more}`;
    })
    .join("");
}

/** Reads an environment of these files; those that are not named are as they should be. */
async function read(files: Readonly<Record<string, string>> = {}): Promise<ReturnType<typeof readSite>> {
  const all = { "dev.site.yaml": site, "hosts/rack1.yaml": hosts(1), "hosts/rack2.yaml": hosts(2), ...files };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const { value, file } = readStackFile("dev", folder);
  return readSite(value, file);
}

test("hosts of files and of the site are one list in the order in which they are written", async () => {
  const { hosts } = await read();
  assert.deepEqual(
    hosts.map(({ name, rack, sshUser }) => `${name} ${rack ?? "-"} ${sshUser}`),
    ["node-a1 r1 ops", "node-b1 r1 ops", "node-z - ops", "node-a2 r2 ops", "node-b2 r2 ops"],
  );
});

test("the schema for editors accepts these files, and refuses what Sealift refuses in them", () => {
  const read = (name: string): object => JSON.parse(readFileSync(join("stacks", name), "utf8")) as object;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validate = ajv
    .addSchema(read("environment.schema.json"), "environment.schema.json")
    .compile(read("hosts.schema.json"));
  for (const text of [hosts(1), hosts(2, "  daemon: { debug: true }\n")])
    assert.ok(validate(yamlValue(text, "hosts")), text);
  for (const text of [
    hosts(1, "  adress: x\n"),
    "- class: rack\n",
    "hosts/rack3.yaml",
    "- hosts/rack3.yaml\n",
  ])
    assert.equal(validate(yamlValue(text, "hosts")), false, text);
});

test("a site without classes may have its hosts in files as well", async () => {
  const plain = site.replace(/^classes.*\n/m, "").replaceAll("class: rack", "sshUser: ops");
  const { hosts: list } = await read({
    "dev.site.yaml": plain,
    "hosts/rack1.yaml": hosts(1).replaceAll("class: rack", "sshUser: ops"),
    "hosts/rack2.yaml": hosts(2).replaceAll("class: rack", "sshUser: ops"),
  });
  assert.equal(list.length, 5);
});

test("each problem of a host has the line and column of its own file, and all of them are reported", async () => {
  assert.deepEqual(
    await refusals({
      "hosts/rack1.yaml": hosts(1, "  port: none\n"),
      "hosts/rack2.yaml": hosts(2, "  adress: x\n"),
    }),
    [
      "hosts/rack1.yaml:12:9 E_TYPE",
      "hosts/rack1.yaml:6:9 E_TYPE",
      "hosts/rack2.yaml:12:3 E_KEY_UNKNOWN",
      "hosts/rack2.yaml:6:3 E_KEY_UNKNOWN",
    ],
  );
});

test("a host that two files name is refused where it is named again", async () => {
  assert.deepEqual(await refusals({ "hosts/rack2.yaml": hosts(2).replace("node-b2", "node-a1") }), [
    "hosts/rack2.yaml:6:9 E_DUPLICATE",
  ]);
});

test("a missing file, one that is listed twice, one that is no list and one that is no YAML are refused at once", async () => {
  const more = ["rack3", "./rack1", "map", "broken"].map((name) => `  - hosts/${name}.yaml\n`).join("");
  assert.deepEqual(
    await refusals({
      "dev.site.yaml": `${site}${more}`,
      "hosts/map.yaml": "hosts: []\n",
      "hosts/broken.yaml": "- name: [\n",
    }),
    [
      "dev.site.yaml:13:5 E_SITE_MISSING",
      "dev.site.yaml:14:5 E_DUPLICATE",
      "hosts/broken.yaml:2:1 E_YAML",
      "hosts/map.yaml E_TYPE",
    ],
  );
});

test("the name of a file is no host in a file of hosts", async () => {
  assert.deepEqual(await refusals({ "hosts/rack1.yaml": "- rack2.yaml\n" }), ["hosts/rack1.yaml:1:3 E_TYPE"]);
});

test("a password hash in clear text is refused in a file of hosts too", async () => {
  const hash = "$y$j9T$7Hn0p1f7bXQm8dQ7r9Yp30$GQ2vVyJp0t7m0FzC1b6xWQe1c4m0bD5o0z7u4kM3nS9";
  const users = `  users: [{ name: deploy, uid: 1500, authorizedKeys: [], passwordHash: ${hash} }]\n`;
  assert.deepEqual(await refusals({ "hosts/rack1.yaml": `${hosts(1)}${users}` }), [
    `hosts/rack1.yaml:11:72 E_SECRET_PLAIN`,
  ]);
});

test("a thousand hosts in a file are read, which Pulumi could not pass in its configuration", async () => {
  const many = Array.from({ length: 500 }, (_, rack) =>
    hosts(rack).replaceAll(`10.20.${rack}.`, `10.${20 + (rack >> 8)}.${rack & 255}.`),
  ).join("");
  assert.ok(many.length > 131_072);
  const { hosts: list } = await read({
    "dev.site.yaml": site.replace("  - hosts/rack2.yaml\n", "").replace("10.20.9.9", "10.30.0.1"),
    "hosts/rack1.yaml": many,
  });
  assert.equal(list.length, 1001);
});
