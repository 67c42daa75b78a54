import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { backupsOf } from "../../modules/core/site/backups.ts";
import { swarmOf } from "../../modules/core/site/swarm.ts";
import { composeSite } from "../../modules/core/site/site.ts";
import { ageHeader, sshTag } from "../../modules/secrets/age-file.ts";
import { secretToEdit } from "../../modules/secrets/change.ts";
import { recipientProblems, secretFiles, secretUses } from "../../modules/secrets/recipients.ts";
import { readSecrets } from "../../modules/secrets/secret-files.ts";
import { appWith } from "../support/fixtures/app-with.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab";
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHyqxQxQ0Q0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m";
const stanza = (words: string): string => `-> ${words}\n${"A".repeat(43)}\n`;
const sshStanza = (key: string): string => stanza(`ssh-ed25519 ${sshTag(key)} ${"B".repeat(43)}`);
const x25519 = stanza(`X25519 ${"C".repeat(43)}`);
const file = (...stanzas: readonly string[]): Buffer =>
  Buffer.from(`age-encryption.org/v1\n${stanzas.join("")}--- ${"D".repeat(43)}\n\0\xff`, "latin1");
const armored = (content: Buffer): Buffer => {
  const lines = content.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return Buffer.from(`-----BEGIN AGE ENCRYPTED FILE-----\n${lines}\n-----END AGE ENCRYPTED FILE-----\n`);
};

test("the header of a file names its recipients, armored or not", () => {
  const content = file(sshStanza(hostKey), x25519, stanza("abc-grease x"), stanza("scrypt salt 18"));
  const expected = { sshTags: [sshTag(hostKey)], x25519: 1, others: ["scrypt"] };
  assert.deepEqual(ageHeader(content), expected);
  assert.deepEqual(ageHeader(armored(content)), expected);
  for (const other of [
    "",
    "hunter2",
    "-----BEGIN AGE ENCRYPTED FILE-----\nhunter2",
    "age-encryption.org/v1\n",
  ])
    assert.equal(ageHeader(Buffer.from(other)), undefined, other);
});

/** What age 1.3.1 wrote for this key. */
test("the tag of an ssh key is that of age", () => {
  assert.equal(
    sshTag("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3+1tQ+MgdltbXirFUwD5EM6ihgibgpY/JujNJtBiNi"),
    "kA/1Wg",
  );
  assert.notEqual(sshTag(hostKey), sshTag(otherKey));
});

const secrets = { db_password: { file: "secrets/shop-db.age" } };
const nodeA = { name: "node-a", hostKey, apps: [appWith("shop", secrets)] };
const nodeB = { name: "node-b", hostKey: otherKey, apps: [appWith("shop", secrets)] };
const problems = (content: Buffer | undefined, ...hosts: readonly (typeof nodeA)[]): readonly string[] =>
  recipientProblems(
    secretFiles(hosts, () => content),
    "stacks/prod.site.yaml",
  ).map(formatProblem);
const start = "stacks/prod.site.yaml: E_SECRET_RECIPIENT secrets/shop-db.age: found: ";
const end = (hosts: string): string =>
  `; expected: encrypted for exactly the hosts that need it and the recovery key: ${hosts}; fix: sealift secret rekey prod --identity <file of the recovery key>`;

test("a file that is encrypted for its hosts and one recovery key is accepted", () => {
  assert.deepEqual(problems(file(sshStanza(hostKey), x25519), nodeA), []);
  assert.deepEqual(
    problems(armored(file(sshStanza(otherKey), x25519, sshStanza(hostKey))), nodeA, nodeB),
    [],
  );
});

test("every difference is refused, with the command that removes it", () => {
  const cases: readonly [string, readonly string[], readonly (typeof nodeA)[]][] = [
    ["not encrypted for node-b", [sshStanza(hostKey), x25519], [nodeA, nodeB]],
    [
      `encrypted for ssh keys of no such host (tag ${sshTag(otherKey)})`,
      [sshStanza(hostKey), sshStanza(otherKey), x25519],
      [nodeA],
    ],
    ["no recovery key", [sshStanza(hostKey)], [nodeA]],
    ["2 recovery keys", [sshStanza(hostKey), x25519, x25519], [nodeA]],
    ["encrypted for scrypt", [sshStanza(hostKey), x25519, stanza("scrypt s 18")], [nodeA]],
    [
      `not encrypted for node-a; encrypted for ssh keys of no such host (tag ${sshTag(otherKey)})`,
      [sshStanza(otherKey), x25519],
      [nodeA],
    ],
  ];
  for (const [found, stanzas, hosts] of cases)
    assert.deepEqual(problems(file(...stanzas), ...hosts), [
      start + found + end(hosts.map(({ name }) => name).join(", ")),
    ]);
});

test("the password of repositories is encrypted for the hosts that write and store them, and with {host} for each alone", () => {
  const keyC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3+1tQ+MgdltbXirFUwD5EM6ihgibgpY/JujNJtBiNi";
  const keysOf: Readonly<Record<string, string>> = { a: hostKey, b: otherKey, s: keyC };
  const sites = Object.keys(keysOf).map((name) => ({ name, address: name, backed: name !== "s" }));
  const recipients = (password: string): Readonly<Record<string, readonly string[]>> => {
    const backups = {
      ...{ restic: "0.19.1", restServer: "0.14.0", password },
      store: { host: "s", mount: "/backup" },
    };
    const own = sites.map(({ name }) => ({
      ...{ name, hostKey: keysOf[name] ?? "", apps: [] },
      ...backupsOf(backups, sites, name),
    }));
    const uses = Map.groupBy(secretUses(own), ({ spec }) => spec.file);
    return Object.fromEntries(
      [...uses].map(([path, all]) => [path, all.map(({ host, name }) => `${host.name} ${name}`).sort()]),
    );
  };
  assert.deepEqual(recipients("secrets/restic.age"), {
    "secrets/restic.age": ["a restic", "b restic", "s restic"],
  });
  assert.deepEqual(recipients("secrets/restic-{host}.age"), {
    "secrets/restic-a.age": ["a restic-a", "s restic-a"],
    "secrets/restic-b.age": ["b restic-b", "s restic-b"],
  });
});

test("a host that rehearses a restore needs the secrets of the application, and no other host's", () => {
  const rehearsing = {
    ...{ name: "store-a", hostKey: otherKey, apps: [] },
    rehearsals: [{ of: "node-a", app: appWith("shop", secrets), repository: "node-a" }],
  };
  const uses = secretUses([nodeA, rehearsing, { name: "other", hostKey, apps: [] }]);
  assert.deepEqual(
    uses.map(({ host, app, name }) => `${host.name} ${app} ${name}`),
    ["node-a shop db_password", "store-a shop db_password"],
  );
});

test("a file that is missing or no file of age is refused, with the command that creates it", () => {
  const fix =
    "; expected: secret db_password of shop, encrypted by age for node-a and the recovery key; fix: sealift secret edit secrets/shop-db.age --env prod --app shop";
  const where = "stacks/prod.site.yaml: E_SECRET_FILE secrets/shop-db.age: found: ";
  assert.deepEqual(problems(undefined, nodeA), [`${where}no such file${fix}`]);
  assert.deepEqual(problems(Buffer.from("hunter2"), nodeA), [`${where}not a file encrypted by age${fix}`]);
});

const recoveryKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const withApp = (more: string, hosts = "    hosts:\n"): string =>
  changed(
    hosts,
    `    apps:\n      - { name: shop, version: 2.4.0, hosts: [node-a], secrets: { db: secrets/shop-db.age } }\n${more}${hosts}`,
  ).replace("version: 28.5.2", "version: 28.5.2\n      compose: 5.5.1");
const codes = (text: string): readonly string[] =>
  problemsOf(text).map(({ code, subject, found }) => `${code} ${subject}: ${found}`);

test("secrets of an application need the keys of the site, and hosts with ssh-ed25519 keys", () => {
  assert.ok(
    codes(withApp("")).includes(
      "E_KEY_MISSING apps[0].secrets: secrets of an application, and no secrets: of the site",
    ),
  );
  const keys = `    secrets: { age: 1.3.1, recoveryKey: ${recoveryKey} }\n`;
  assert.deepEqual(
    codes(withApp(keys)).filter((one) => one.includes("ecret")),
    [],
  );
  const ecdsa = withApp(keys).replace(/hostKey: ssh-ed25519 \S+/, "hostKey: ecdsa-sha2-nistp256 AAAA");
  const [problem] = problemsOf(ecdsa).filter(({ code }) => code === "E_SECRET_RECIPIENT");
  assert.equal(problem?.subject, "hosts[0].hostKey");
  assert.match(problem.fix, /^pin the key that ssh-keyscan -t ed25519 10\.20\.0\.11 prints, after comparing/);
});

test("values that cannot work are refused where they are written", () => {
  const wrong: readonly [string, RegExp][] = [
    ["{ age: 1.3.1, recoveryKey: age1pq1xyz }", /E_VALUE secrets\.recoveryKey/],
    [`{ age: latest, recoveryKey: ${recoveryKey} }`, /E_VALUE secrets\.age/],
    [`{ age: 1.3.1 }`, /E_KEY_MISSING secrets/],
  ];
  for (const [value, expected] of wrong)
    assert.match(codes(withApp(`    secrets: ${value}\n`)).join(), expected);
  for (const path of ["/etc/shadow", "../other.age", "secrets/../x", "-x"])
    assert.match(
      codes(withApp("").replace("secrets/shop-db.age", `"${path}"`)).join(),
      /apps\[0\]\.secrets\.db/,
    );
});

test("while the key of a host is not known, its secrets are not compared; a missing file is reported", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-unknown-"));
  try {
    const path = join(folder, "a.age");
    const host = { ...nodeA, apps: [appWith("shop", { db_password: { file: path } })] };
    const composed = composeSite({ hosts: [] }, "none.yaml");
    const codesOf = (unknown?: ReadonlySet<string>): readonly string[] =>
      readSecrets([host], "none.yaml", composed, unknown).problems.map(({ code }) => code);
    assert.deepEqual(codesOf(new Set(["node-a"])), ["E_SECRET_FILE"]);
    writeFileSync(path, file(sshStanza(otherKey), x25519));
    assert.deepEqual(codesOf(), ["E_SECRET_RECIPIENT"]);
    assert.deepEqual(codesOf(new Set(["node-a"])), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a secret of an application on the swarm is encrypted for the managers, which hand it over", () => {
  const stacks = [{ name: "shop", version: "1.0.0", keep: 1, update: { timeout: 60 } }];
  const names = ["node-a", "node-b"];
  const site = {
    ...{ name: "plant-1", managers: ["node-a"], workers: { hosts: ["node-b"] } },
    addressPool: { base: "172.29.0.0/16" },
  };
  const addresses = names.map((name, at) => ({ name, address: `10.9.0.${at + 1}` }));
  const hosts = names.map((name) => {
    const swarm = swarmOf(site, addresses, name);
    return { name, hostKey, apps: [], stacks, ...(swarm === undefined ? {} : { swarm }) };
  });
  const where = { recoveryKey: "age1x", siteFile: "stacks/prod.site.yaml" };
  const found = secretToEdit("secrets/absent.age", "shop", hosts, where);
  assert.deepEqual([found.hosts, found.recipients], [["node-a"], [hostKey, "age1x"]]);
  assert.throws(
    () => secretToEdit("secrets/absent.age", "other", hosts, where),
    /no host runs other; expected: an application of the site: shop/,
  );
});
