/** The backups of a site: who makes and stores them, who rehearses whose restores, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { appsOf } from "../../modules/core/site/apps.ts";
import { backupsOf, passwordName, repositoryOn, type BackupsFile } from "../../modules/core/site/backups.ts";
import { backedApps } from "../../modules/core/site/backed-apps.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { clientSteps, managerSteps } from "../../modules/backup/client-steps.ts";
import { phaseList } from "../../modules/rollout/phases.ts";
import { backedHosts, rehearsalsOf } from "../../modules/core/site/rehearsals.ts";
import { changedForBackups, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

const recoveryKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const keys = `{ age: 1.3.1, recoveryKey: ${recoveryKey} }`;
const store = "store: { host: node-b, mount: /backup }";
const programs = "restic: 0.19.1, restServer: 0.14.0, password: secrets/restic.age";
const backups = `{ ${programs}, ${store} }`;
const data = "data: { db: { path: /data/shop-db } }";
const shop = (more: string): string => `[{ name: shop, version: 2.4.0, hosts: [node-a], ${more} }]`;
const backed = shop(`${data}, backup: { at: "02:30", snapshot: data }`);

/** Two hosts with volumes for data and for backups. */
function withBackups({
  apps = backed,
  site = backups,
  secrets = keys,
  mount = "",
  registry: served = "",
  receipt: written = "",
}: Partial<Record<string, string>> = {}): string {
  const text = changedForBackups({ apps, backups: site, secrets, registry: served, receipt: written });
  const more = mount === "" ? "" : `        - { name: more, size: 1GiB, mount: ${mount} }\n`;
  return text.replace("mount: /data }\n", `mount: /data }\n${more}`);
}

test("a host with a backed-up application is a client, and the store knows it by its login and repository", () => {
  const [a, b] = siteOf(withBackups()).hosts;
  const address = { host: "node-b", address: "10.20.0.12", port: 8000 };
  const password = "secrets/restic.age";
  assert.deepEqual(a?.backup, { restic: "0.19.1", password, store: address });
  assert.equal(a.store, undefined);
  assert.equal(b?.backup, undefined);
  assert.deepEqual(b?.store, {
    ...{ restic: "0.19.1", restServer: "0.14.0", mount: "/backup", address: "10.20.0.12", port: 8000 },
    keep: { daily: 7, weekly: 5, monthly: 12 },
    logins: [{ host: "node-a", password }],
    repositories: [{ path: "node-a", password }],
    copies: [],
  });
  assert.deepEqual(a.apps[0]?.backup, { at: "02:30", snapshot: "data", stop: false, dump: {} });
});

const three = [
  { name: "a", address: "10.0.0.1", backed: true },
  { name: "b", address: "10.0.0.2", backed: true },
  { name: "s", address: "10.0.0.3", backed: false },
  { name: "t", address: "10.0.0.4", backed: false },
];
const file: BackupsFile = {
  ...{ restic: "0.19.1", restServer: "0.14.0", password: "secrets/restic-{host}.age" },
  store: { host: "s", mount: "/backup", port: 8001, keep: { last: 3 } },
  copies: [{ host: "t", mount: "/copies" }],
};

test("with {host} each host has a password of its own; only the store writes to its copies", () => {
  assert.deepEqual(backupsOf(file, three, "b").backup, {
    ...{ restic: "0.19.1", password: "secrets/restic-b.age" },
    store: { host: "s", address: "10.0.0.3", port: 8001 },
  });
  const passwords = ["a", "b"].map((name) => `secrets/restic-${name}.age`);
  const first = backupsOf(file, three, "s").store;
  assert.deepEqual(
    first?.logins.map((one) => one.password),
    passwords,
  );
  assert.deepEqual(first.copies, [{ host: "t", address: "10.0.0.4", port: 8000 }]);
  assert.deepEqual(first.keep, { last: 3 });
  const copy = backupsOf(file, three, "t").store;
  assert.deepEqual(copy?.logins, [{ host: "s", password: "secrets/restic-s.age" }]);
  assert.deepEqual(
    copy.repositories.map(({ path, password }) => [path, password]),
    [
      ["s/a", passwords[0]],
      ["s/b", passwords[1]],
    ],
  );
  assert.deepEqual(copy.copies, []);
  assert.deepEqual(copy.keep, { last: 3 });
  assert.deepEqual(backupsOf(undefined, three, "a"), {});
});

test("the repository of a host is below the name of the store on a host of copies", () => {
  assert.equal(repositoryOn(file, "s", "a"), "a");
  assert.equal(repositoryOn(file, "t", "a"), "s/a");
  assert.equal(passwordName("secrets/restic-a.age"), "restic-a");
  assert.equal(passwordName("secrets/with blank$.age"), "with-blank-");
});

test("a restore is rehearsed on its host alone, once for each host that runs the application", () => {
  const apps = [
    {
      ...{ name: "shop", version: "1", backup: { at: "02:30" }, data: { db: { path: "/data/x" } } },
      ...{ hosts: ["a", "b"], restore: { on: "t" } },
    },
    { name: "wiki", version: "1", hosts: ["a"], restore: { on: "t" } },
    { name: "mail", version: "1", hosts: ["a"], backup: { at: "03:00" } },
  ];
  const hosts = three.map(({ name, address }) => ({ name, address }));
  assert.deepEqual(
    backedHosts({ apps, hosts }).map(({ backed: one }) => one),
    [true, true, false, false],
  );
  const rehearsed = rehearsalsOf({ apps, hosts, backups: file }, "t").rehearsals ?? [];
  assert.deepEqual(
    rehearsed.map(({ of, app, repository }) => [of, app.name, repository, app.restore?.rehearse]),
    [
      ["a", "shop", "s/a", "weekly"],
      ["b", "shop", "s/b", "weekly"],
    ],
  );
  assert.deepEqual(appsOf(apps, { name: "a" })[0]?.restore, { rehearse: "weekly", on: "t", check: {} });
  for (const [backupsFile, host] of [
    [file, "s"],
    [undefined, "t"],
  ] as const)
    assert.deepEqual(rehearsalsOf({ apps, hosts, ...(backupsFile && { backups: backupsFile }) }, host), {});
});

const registry = "{ name: registry.site, version: 3.1.2, mount: /registry, hosts: [{ name: node-a }] }";
const withRegistry = (line: string, keys = registry): Record<string, string> => ({
  ...{ apps: "", mount: "/registry", registry: keys },
  site: backups.replace(/ \}$/, `, registry: ${line} }`),
});

test("a host of the registry is a client with one line of the site, and backs up content and records as one more application", () => {
  const [a, b] = siteOf(withBackups(withRegistry('{ at: "03:30", snapshot: more }'))).hosts;
  assert.deepEqual(a?.backup?.registry, { at: "03:30", snapshot: "more" });
  assert.equal(b?.backup, undefined);
  assert.deepEqual(
    b?.store?.repositories.map(({ path }) => path),
    ["node-a"],
  );
  const [app, ...others] = backedApps(a);
  assert.deepEqual(others, []);
  assert.equal(app?.name, "_registry");
  assert.deepEqual(app.data, {
    bundles: { path: "/registry/bundles", owner: "root:root" },
    storage: { path: "/registry/storage", owner: "sealift-registry:sealift-registry" },
  });
  assert.deepEqual(app.backup, { at: "03:30", snapshot: "more", stop: false, dump: {} });
  assert.deepEqual(siteOf(withBackups({ ...withRegistry("x"), site: backups })).hosts[0]?.backup, undefined);
});

const receipt = "{ directory: receipts, key: signing.pub }";

test("one host backs up the receipts of the site, and has a repository for them", () => {
  const site = backups.replace(/ \}$/, ', receipts: { host: node-b, at: "04:00" } }');
  const [a, b] = siteOf(withBackups({ apps: "", site, receipt })).hosts;
  assert.equal(a?.backup, undefined);
  assert.deepEqual(b?.backup?.receipts, { at: "04:00" });
  assert.deepEqual(
    b.store?.logins.map(({ host }) => host),
    ["node-b"],
  );
  assert.deepEqual(
    backedApps(b).map(({ name, data, backup }) => [name, data, backup]),
    [
      [
        "_receipts",
        { receipts: { path: "/var/lib/sealift/receipts", owner: "root:root" } },
        { at: "04:00", stop: false, dump: {} },
      ],
    ],
  );
});

test("managers of a swarm are clients with one line of the site, and back up what they know of it, with its encrypted key", () => {
  const site = backups.replace(/ \}$/, ', swarm: { at: "03:45" } }');
  const swarm = (more: string): string =>
    withBackups({ apps: "", site }).replace(
      /\n {4}hosts:\n/,
      `\n    swarm: { name: plant-1, managers: [node-a], workers: { hosts: [node-b] }, addressPool: { base: 172.29.0.0/16 }${more} }\n    hosts:\n`,
    );
  const [a, b] = siteOf(swarm("")).hosts;
  assert.deepEqual(a?.backup?.swarm, { at: "03:45" });
  assert.equal(b?.backup, undefined);
  assert.deepEqual(
    b?.store?.logins.map(({ host }) => host),
    ["node-a"],
  );
  const [app, ...others] = backedApps(a);
  assert.deepEqual(others, []);
  assert.deepEqual([app?.name, app?.version], ["_swarm", a.engine.version]);
  const folder = { path: `${a.daemon["data-root"]}/swarm`, owner: "root:root" };
  assert.deepEqual(app?.data, { swarm: folder });
  assert.deepEqual(app.backup, { at: "03:45", stop: false, dump: {} });
  const [locked] = siteOf(swarm(", autolock: true")).hosts;
  assert.deepEqual(locked && backedApps(locked)[0]?.data, {
    swarm: folder,
    "unlock-key": { path: "/var/lib/sealift/swarm-unlock", owner: "root:root" },
  });
  assert.match(
    problemsOf(withBackups({ apps: "", site }))
      .map(formatProblem)
      .join("\n"),
    /E_VALUE backups\.swarm: found: no swarm: of the site; /,
  );
});

test("the job of a manager comes after the swarm has made it one, and needs the raft log", () => {
  const app: AppSpec = {
    ...{ name: "_swarm", version: "29.0.0", keep: 0 },
    update: { order: "stop-first", monitor: 0, failure_action: "pause", timeout: 300 },
    data: { swarm: { path: "/docker/swarm", owner: "root:root" } },
    backup: { at: "03:45", stop: false, dump: {} },
  };
  const spec = {
    ...{ host: "node-a", apps: [app], password: "/run/password", certificates: new Map() },
    backup: { restic: "0", password: "x.age", store: { host: "s", address: "10.0.0.9", port: 8000 } },
    volumes: { group: "vg0", logicalVolumes: [], existing: [{ mount: "/docker" }] },
    restic: { version: "0", sha256: "", bytes: 1, path: "", members: [] },
  };
  const own = (steps: readonly Step[]): readonly string[] =>
    steps.map(({ code }) => code).filter((code) => code.startsWith("backup._swarm"));
  assert.deepEqual(own(clientSteps(spec)), []);
  assert.deepEqual(own(managerSteps(spec)), [
    ...["backup._swarm.job", "backup._swarm.recent", "backup._swarm.status"],
  ]);
  const [job] = managerSteps(spec);
  assert.ok(job);
  assert.ok(job.call.includes("needs=/docker/swarm/raft"));
  assert.ok(job.call.includes("steady=yes"));
  // Or the job would be taken for that of an application which is not backed up any more.
  const others = clientSteps(spec).find(({ code }) => code === "backup.others");
  assert.deepEqual(others?.call, ["backup_others", "_swarm"]);
  const names = phaseList.map(({ name }) => name);
  assert.ok(names.indexOf("swarm-backup") > names.indexOf("cluster"));
});

const copy = (more: string): string => `{ ${programs}, ${store}, copies: [${more}] }`;
const withDump = (dump: string): string => shop(`${data}, backup: { at: "02:30", dump: { ${dump} } }`);
const restored = (restore: string): string =>
  shop(`${data}, backup: { at: "02:30", snapshot: data }, restore: { ${restore} }`);
for (const [what, change, expected] of [
  [
    "backups without keys for secrets",
    { secrets: "" },
    /:\d+:\d+: E_KEY_MISSING backups: found: no secrets: of the site; .*fix: add secrets: \{ age: /,
  ],
  ...["last: 30", "last: 30, daily: 6, weekly: 2", "daily: 1"].map(
    (keep) =>
      [
        `backups that one night can replace: ${keep}`,
        { site: `{ ${programs}, store: { host: node-b, mount: /backup, keep: { ${keep} } } }` },
        /:\d+:\d+: E_VALUE backups\.store\.keep: found: .*: a host that is taken over could replace all .*; expected: at least one of daily: 7, weekly: 3, monthly: 3, yearly: 3; .*; fix: add daily: 7/,
      ] as const,
  ),
  [
    "a store that is no host",
    { site: `{ ${programs}, store: { host: node-x, mount: /backup } }` },
    /:\d+:\d+: E_VALUE backups\.store\.host: found: "node-x"; expected: a host of this site: node-a, node-b; fix: /,
  ],
  [
    "a store on no mount",
    { site: `{ ${programs}, store: { host: node-b, mount: /nowhere } }` },
    /E_VALUE backups\.store\.mount: found: "\/nowhere"; expected: a mount of node-b: .*\/backup.*; fix: add a logical volume/,
  ],
  [
    "a copy on the host of the store",
    { site: copy("{ host: node-b, mount: /backup }") },
    /E_DUPLICATE backups\.copies\[0\]\.host: found: node-b twice; .*fix: name another host: a copy on the same host/,
  ],
  [
    "a backup of a registry that the site does not have",
    { site: withRegistry('{ at: "03:30" }')["site"] },
    /E_VALUE backups\.registry: found: no registry: of the site; .*fix: remove registry from backups/,
  ],
  [
    "a snapshot that is no volume of the registry",
    withRegistry('{ at: "03:30", snapshot: data }'),
    /E_CONFLICT backups\.registry\.snapshot: found: the data of content, \/registry\/storage, is not on data \(\/data\) of node-a; /,
  ],
  [
    "a backup of receipts that no run writes",
    { site: backups.replace(/ \}$/, ', receipts: { host: node-a, at: "04:00" } }') },
    /E_KEY_MISSING backups\.receipts: found: a backup of receipts, and no receipt: of the site; .*fix: add receipt: /,
  ],
  [
    "receipts on a host that the site does not have",
    { site: backups.replace(/ \}$/, ', receipts: { host: node-x, at: "04:00" } }'), receipt },
    /E_VALUE backups\.receipts\.host: found: "node-x"; expected: a host of this site: node-a, node-b; /,
  ],
  [
    "another brace in the password",
    { site: backups.replace("secrets/restic.age", '"secrets/restic-{name}.age"') },
    /E_VALUE backups\.password: found: "secrets\/restic-\{name\}\.age"; .*fix: write \{host\}/,
  ],
  [
    "data on no mount",
    { apps: shop("data: { db: { path: /elsewhere/db } }") },
    /E_VALUE apps\[0\]\.data\.db\.path: found: \/elsewhere\/db: on no mount of node-a; .*fix: choose a folder below/,
  ],
  [
    "data at the top of a mount",
    { apps: shop("data: { db: { path: /data } }") },
    /E_VALUE apps\[0\]\.data\.db\.path: found: \/data: the top of a mount; /,
  ],
  [
    "a mount in the data of an application with backups",
    { mount: "/data/shop-db/wal" },
    /E_CONFLICT apps\[0\]\.data\.db\.path: found: \/data\/shop-db: \/data\/shop-db\/wal of node-a is a mount of its own in it; .*fix: choose a folder beside \/data\/shop-db\/wal/,
  ],
  [
    "data in the data-root",
    { apps: shop("data: { db: { path: /data/docker/db } }") },
    /E_CONFLICT apps\[0\]\.data\.db\.path: found: \/data\/docker\/db: in \/data\/docker, the data-root of node-a; /,
  ],
  [
    "data in the store of backups",
    { apps: "[{ name: shop, version: 2.4.0, hosts: [node-b], data: { db: { path: /backup/restic/db } } }]" },
    /E_CONFLICT apps\[0\]\.data\.db\.path: found: \/backup\/restic\/db: in \/backup\/restic, the store of backups of node-b; /,
  ],
  [
    "one folder for two services",
    { apps: shop("data: { db: { path: /data/x }, files: { path: /data/x/y } }") },
    /E_CONFLICT apps\[0\]\.data\.files\.path: found: \/data\/x\/y, and \/data\/x of shop db on node-a; .*fix: choose another folder/,
  ],
  [
    "a backup without a store",
    { site: "", secrets: "" },
    /E_KEY_MISSING apps\[0\]\.backup: found: a backup, and no backups: of the site; .*fix: add backups: /,
  ],
  [
    "a backup without data",
    { apps: shop('backup: { at: "02:30" }') },
    /E_KEY_MISSING apps\[0\]\.backup: found: a backup without data; .*fix: add data: /,
  ],
  [
    "a backup at no time of day",
    { apps: shop(`${data}, backup: { at: "24:00", snapshot: data }`) },
    /E_VALUE apps\[0\]\.backup\.at: .*expected: a time of day in quotes/,
  ],
  [
    "a stop beside a snapshot",
    { apps: shop(`${data}, backup: { at: "02:30", snapshot: data, stop: true }`) },
    /E_CONFLICT apps\[0\]\.backup\.stop: found: stop beside snapshot; .*fix: remove stop/,
  ],
  [
    "files that are copied while they are written",
    { apps: shop(`${data}, backup: { at: "02:30" }`) },
    /E_KEY_MISSING apps\[0\]\.backup: found: nothing that reads the data of db consistently; /,
  ],
  [
    "a dump of a service without data",
    { apps: shop(`${data}, backup: { at: "02:30", stop: true, dump: { web: { engine: redis } } }`) },
    /E_VALUE apps\[0\]\.backup\.dump\.web: found: web has no data:; expected: a service with data: db; /,
  ],
  [
    "a dump by an engine and by a command",
    { apps: withDump("db: { engine: redis, command: [dump] }") },
    /E_CONFLICT apps\[0\]\.backup\.dump\.db: found: engine, command; expected: either engine, .*fix: keep one of them/,
  ],
  [
    "an engine with a command that loads",
    { apps: withDump("db: { engine: redis, load: [x] }") },
    /E_CONFLICT apps\[0\]\.backup\.dump\.db: found: engine, load; /,
  ],
  [
    "a dump by a command that nothing loads, and no files",
    { apps: withDump("db: { command: [dump] }") },
    /E_KEY_MISSING apps\[0\]\.backup\.dump\.db\.load: found: a dump by a command, and nothing that loads it; .*fix: add load: /,
  ],
  [
    "a command with a password",
    { apps: withDump("db: { command: [dump], password: x }") },
    /E_CONFLICT apps\[0\]\.backup\.dump\.db: found: command, password; /,
  ],
  [
    "a dump by nothing",
    { apps: withDump("db: {}") },
    /E_CONFLICT apps\[0\]\.backup\.dump\.db: found: nothing; /,
  ],
  [
    "a password that is no secret of the application",
    { apps: withDump("db: { engine: mariadb, password: root }") },
    /E_VALUE apps\[0\]\.backup\.dump\.db\.password: found: "root"; expected: a secret of the application: none; /,
  ],
  [
    "a snapshot of no volume",
    { apps: backed.replace("snapshot: data", "snapshot: other") },
    /E_VALUE apps\[0\]\.backup\.snapshot: found: "other": no logical volume of node-a; .*fix: name the volume with the data/,
  ],
  [
    "a snapshot of another volume than that of the data",
    { apps: backed.replace("snapshot: data", "snapshot: backup") },
    /E_CONFLICT apps\[0\]\.backup\.snapshot: found: the data of db, \/data\/shop-db, is not on backup \(\/backup\) of node-a; /,
  ],
  [
    "a restore without a backup",
    { apps: shop(`${data}, restore: { on: node-b }`) },
    /E_KEY_MISSING apps\[0\]\.restore: found: restore without backup; .*fix: add backup: /,
  ],
  [
    "a rehearsal on a host without backups",
    { apps: restored("on: node-x") },
    /E_VALUE apps\[0\]\.restore\.on: found: "node-x"; expected: a host that stores backups: node-b; /,
  ],
  [
    "a rehearsal on the host that runs the application",
    {
      apps: backed
        .replace("hosts: [node-a]", "hosts: [node-b]")
        .replace(" }]", " , restore: { on: node-b } }]"),
    },
    /E_CONFLICT apps\[0\]\.restore\.on: found: node-b, which runs the application; .*fix: rehearse on another host/,
  ],
  [
    "a check of a service without data",
    { apps: restored("on: node-b, check: { web: [true] }").replace("[true]", '["true"]') },
    /E_VALUE apps\[0\]\.restore\.check\.web: found: web has no data:; /,
  ],
] as const)
  test(`${what} is refused, with its place and what to do`, () => {
    const problems = problemsOf(withBackups(change)).map(formatProblem);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", expected);
    assert.match(problems[0] ?? "", /^[^ ]+:\d+:\d+: E_.*; expected: .*; fix: /);
  });

test("a mount beside the data, or in data without backups, is not refused", () => {
  assert.deepEqual(problemsOf(withBackups({ mount: "/data/shop-db2" })), []);
  assert.deepEqual(problemsOf(withBackups({ mount: "/data/shop-db/wal", apps: shop(data) })), []);
});
