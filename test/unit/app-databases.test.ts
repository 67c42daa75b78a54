/** Major versions of databases: what an image says, what has written the data on a host, and which release may start on it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { databaseOf } from "../../modules/apps/databases.ts";
import { withDatabases } from "../../modules/apps/from-bundle.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import type { Probe } from "../../modules/core/host/probe.ts";
import { databaseMajorProblems } from "../../modules/rollout/database-majors.ts";
import { phasesOf } from "../../modules/rollout/phases.ts";
import type { Tree } from "../../offline-bundle/oci/check-layout.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";

test("an image says its database and major version in the variables of the official images, otherwise in its tag", () => {
  const of = (name: string, ...environment: readonly string[]): string => {
    const { engine, major } = databaseOf(name, environment) ?? {};
    return `${engine} ${major}`;
  };
  assert.equal(
    of("registry.corp/db:3", "PATH=/bin", "PG_MAJOR=17", "PG_VERSION=17.2-1.pgdg"),
    "postgresql 17",
  );
  assert.equal(of("db:3", "MARIADB_VERSION=1:11.8.2+maria~ubu2404"), "mariadb 11.8");
  assert.equal(of("db:3", "MYSQL_MAJOR=8.4", "MYSQL_VERSION=8.4.6-1.el9"), "mysql 8.4");
  assert.equal(of("db:3", "REDIS_VERSION=8.0.1"), "redis 8");
  assert.equal(of("docker.io/library/postgres:15-alpine"), "postgresql 15");
  assert.equal(of("docker.io/library/mariadb:10.11.6-jammy"), "mariadb 10.11");
  assert.equal(of("redis:7"), "redis 7");
  for (const none of [
    "mysql:8",
    "mariadb:lts",
    "docker.io/acme/redis-exporter:1.2",
    "docker.io/acme/shop:17",
  ])
    assert.equal(databaseOf(none, ["PATH=/bin"]), undefined, none);
});

test("the bundle is read for the architecture of the host; an image that cannot be read counts by its name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-databases-"));
  try {
    const [image = exampleApp.images[0], other] = exampleApp.images;
    assert.ok(image && other);
    const at = (letter: string): string => letter.repeat(64);
    const digest = (letter: string) => ({ mediaType: "x", digest: `sha256:${at(letter)}`, size: 9 });
    const of = (letter: string, architecture: string) => ({
      ...digest(letter),
      platform: { os: "linux", architecture },
    });
    const tree = {
      manifests: new Map([
        [image.sha256, { manifest: { manifests: [of("1", "arm64"), of("2", "amd64")] } }],
        [at("1"), { manifest: { config: digest("3"), layers: [] } }],
        [at("2"), { manifest: { config: digest("4"), layers: [] } }],
      ]),
    } as unknown as Tree;
    writeFileSync(join(folder, at("3")), JSON.stringify({ config: { Env: ["PG_MAJOR=16"] } }));
    writeFileSync(join(folder, at("4")), JSON.stringify({ config: { Env: ["PATH=/bin", "PG_MAJOR=17"] } }));
    const bundle = { tree, blobPath: (hex: string): string => join(folder, hex) };
    const found = await withDatabases(
      { ...exampleFiles, apps: [exampleApp] },
      { architecture: "amd64" },
      bundle,
    );
    assert.deepEqual(found.apps?.[0]?.databases, [{ service: "web", engine: "postgresql", major: "17" }]);
    const none = await withDatabases({ ...exampleFiles, apps: [exampleApp] }, exampleHost(), {
      ...bundle,
      tree: { manifests: new Map() } as unknown as Tree,
    });
    assert.equal(none.apps?.[0]?.databases, undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const files = {
  ...exampleApp,
  databases: [
    { service: "db", engine: "postgresql", major: "17" },
    { service: "store", engine: "mariadb", major: "11.8" },
    { service: "cache", engine: "redis", major: "8" },
  ],
  project: {
    file: "compose.yaml",
    services: ["cache", "db", "store"].map((name) => ({
      ...{ name, image: exampleApp.images[0]?.name ?? "", config: "c1".repeat(8) },
      mounts: name === "cache" ? [] : [{ target: "/state", volume: name }],
    })),
  },
} as const;

test("a step compares the databases whose data outlives their containers, before anything stops", () => {
  const volumes = { group: "vg0", logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }] };
  const apps = [{ ...exampleAppSpec, data: { db: { path: "/data/shop-db" } } }];
  const { apps: phase } = phasesOf(
    { ...exampleHost(), volumes, apps },
    { ...exampleFiles, apps: [files] },
    exampleFacts,
  );
  const at = phase?.steps.findIndex(({ code }) => code === "apps.shop.databases") ?? -1;
  const { fact, call = [] } = phase?.steps[at] ?? {};
  assert.match(fact ?? "", /have the major versions of their data: db postgresql 17, store mariadb 11\.8$/);
  assert.deepEqual(call.slice(4), [
    ...["db", "postgresql", "17", "/data/shop-db", ""],
    ...["store", "mariadb", "11.8", "", "store"],
  ]);
  assert.ok(at >= 0 && at < (phase?.steps.findIndex(({ code }) => code.includes(".service.")) ?? 0));
});

/** What these calls say on a host with these files, and where docker inspect prints this. */
function onHost(contents: Readonly<Record<string, string>>, inspected: string, calls: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sealift-databases-"));
  try {
    for (const [path, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const input = `${library.text}
SEALIFT_DOCKER=docker
timeout() { shift; "$@"; }
app_data_engine() { :; }
on_disk() { :; }
app_back_up() { echo "backup of $1"; }
docker() { case $1 in ps) echo id ;; inspect) printf '%s\\n' '${inspected}' ;; volume) echo '${folder}/volume' ;; esac; }
says() { attempt "$@"; printf '%s' "$attempt_output"; }
${calls.replaceAll("@", folder)}
`;
    return execFileSync("sh", { input, encoding: "utf8" }).replaceAll(folder, "@");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const release = { "shop/releases/2.0-0a/project/x": "" };
const asked = (...words: readonly string[]): string => `@/shop shop 2.0-0a ${words.join(" ")}`;

test("PostgreSQL never starts on the data of another major version, above or below", () => {
  const call = asked("db", "postgresql", "17", "@/data", "''");
  for (const [written, path] of [
    ["15", "data/PG_VERSION"],
    ["15", "data/cluster/PG_VERSION"],
    ["18", "data/18/docker/PG_VERSION"],
    ["9.6", "data/cluster/PG_VERSION"],
  ] as const) {
    // What lies in a cluster has a file of this name as well.
    const host = { ...release, [path]: `${written}\n`, [`${dirname(path)}/base/5/PG_VERSION`]: "17\n" };
    assert.equal(
      onHost(host, "", `says check_app_databases ${call}`),
      `the data of db is that of postgresql ${written}`,
    );
    for (const kind of ["guard", "apply"])
      assert.match(
        onHost(host, "", `says ${kind}_app_databases ${call}`),
        new RegExp(
          `^E_DATABASE_MAJOR the data of db is that of postgresql ${written}, and postgresql 17 of release 2\\.0-0a does not start on it; fix: keep its major version; or load a dump`,
        ),
      );
    // Not even when the application was backed up.
    const marked = { ...host, "shop/releases/2.0-0a/major": "" };
    assert.match(onHost(marked, "", `says check_app_databases ${call}`), /^the data of db/);
  }
});

test("data of the same major version, an empty folder and a folder with several of them are accepted", () => {
  const call = asked("db", "postgresql", "17", "@/data", "''");
  for (const host of [
    { "data/cluster/PG_VERSION": "17\n", "data/cluster/base/1/PG_VERSION": "17\n" },
    { "data/17/docker/PG_VERSION": "17\n", "data/15/docker/PG_VERSION": "15\n" },
    { "data.before/PG_VERSION": "15\n" },
  ])
    assert.equal(onHost({ ...release, ...host }, "", `says check_app_databases ${call}`), "");
  const volume = { ...release, "volume/PG_VERSION": "15\n" };
  assert.match(
    onHost(volume, "", `says check_app_databases ${asked("db", "postgresql", "17", "''", "state")}`),
    /^the data of db is that of postgresql 15$/,
  );
});

const maria = (version: string): string => `service=store
PATH=/bin
MARIADB_VERSION=1:${version}+maria~ubu2404
image=docker.io/library/mariadb:1`;

test("a newer MariaDB starts after a backup, and then an older one never again", () => {
  const call = asked("store", "mariadb", "11.8", "@/data", "''");
  const host = { ...release, "data/ibdata1": "" };
  const older = (calls: string): string => onHost(host, maria("10.11.6"), calls);
  assert.equal(older(`says check_app_databases ${call}`), "the data of store is that of mariadb 10.11");
  assert.equal(older(`says guard_app_databases ${call}`), "");
  assert.equal(
    older(`says apply_app_databases ${call}; says check_app_databases ${call}; ls @/shop/releases/2.0-0a`),
    "backup of shopmajor\nproject\n",
  );
  for (const version of ["12.0.2", "11.10.1"])
    assert.match(
      onHost(host, maria(version), `says guard_app_databases ${call}`),
      /^E_DATABASE_MAJOR the data of store is that of mariadb 1[12]\.\d+, and mariadb 11\.8 of release/,
    );
  assert.equal(onHost(host, maria("11.8.1"), `says check_app_databases ${call}`), "");
  assert.match(
    onHost({ ...host, "shop/databases": "store mysql 8.4\n" }, "", `says guard_app_databases ${call}`),
    /^E_DATABASE_MAJOR the data of store is that of mysql 8\.4/,
  );
});

test("where the container is gone, the record says what has written the data; without data it says nothing", () => {
  const call = asked("store", "mariadb", "11.8", "@/data", "''");
  const record = { ...release, "shop/databases": "cache redis 7\nstore mariadb 12.1\n" };
  const checked = `says check_app_databases ${call}`;
  assert.equal(onHost({ ...record, "data/x": "" }, "", checked), "the data of store is that of mariadb 12.1");
  assert.equal(onHost({ ...record, "data/x": "" }, maria("11.8.2"), checked), "");
  assert.equal(onHost(record, "", checked), "");
});

test("the variables of a container count before its image, and odd names for nothing", () => {
  const said = `${maria("11.8.2")}
service=cache
image=registry.corp:5000/library/redis:8.0-alpine
service=web
image=docker.io/acme/shop:8
service=odd name
REDIS_VERSION=8.0.1`;
  assert.equal(onHost({}, said, "app_databases_run shop"), "store mariadb 11.8\ncache redis 8\n");
});

test("a release that has converted the data, and fails, is left as it is", () => {
  const calls = `app_inspect() { :; }
app_judge() { echo another; }
app_missing_images() { :; }
app_up() { up_wrong=broken; up_troubles=; return 1; }
app_start() { echo started; }
app_current() { echo 1.0-0b; }
`;
  const call = "says apply_app_service @/shop shop 2.0-0a db run 1 sig image 9 9 rollback";
  assert.match(onHost(release, "", calls + call), /is not healthy: broken; release 1\.0-0b runs again;/);
  assert.match(
    onHost({ ...release, "shop/releases/2.0-0a/major": "" }, "", calls + call),
    /is not healthy: broken; it is left as it is;/,
  );
});

const clock = Date.parse("2026-11-30T12:00:00Z") / 1000;
const restore = { rehearse: "weekly", on: "store-b", check: {} } as const;
const app = { ...exampleAppSpec, backup: { at: "02:30", stop: true, dump: {} }, restore };
const client = {
  ...{ restic: "0.19.1", password: "secrets/restic.age" },
  store: { host: "store-a", address: "10.20.0.12", port: 8000 },
};

function major(
  rehearsal: string,
  more: Partial<typeof app> | { readonly restore: undefined } = {},
  status: "drift" | "ok" = "drift",
): readonly string[] {
  const spec = { ...exampleHost(), name: "node-a", backup: client, apps: [{ ...app, ...more }] };
  const found = "the data of db is that of mariadb 10.11";
  const step = { status, code: "apps.shop.databases", fact: "the fact", found } as const;
  const reached = (report: object): Probe => ({ kind: "reached", report }) as unknown as Probe;
  return databaseMajorProblems(
    [
      { spec: spec as never, probe: reached({ steps: [step] }) },
      {
        spec: { ...exampleHost(), name: "store-b", apps: [] },
        probe: reached({ steps: [], values: { "rehearsal.shop.status": rehearsal } }),
      },
    ],
    clock,
  ).map(formatProblem);
}

test("another major version needs a rehearsed backup that is younger than the site says", () => {
  const of = (days: number, result = "good"): string =>
    `result=${result} time=${clock - 60} seconds=9 of=node-a backup=${clock - days * 86_400} good=${clock - 60} answer=x`;
  assert.deepEqual(major(of(6)), []);
  assert.deepEqual(major("", {}, "ok"), []);
  assert.match(
    major(of(8)).join(),
    /^node-a: E_DATABASE_MAJOR apps\.shop\.databases: found: the data of db is that of mariadb 10\.11, and the last backup whose restore was rehearsed is of 2026-11-22T12:00:00Z; expected: the fact; or a backup younger than 7 days .*; fix: make a backup on node-a \(systemctl start sealift-backup-shop\), then rehearse it on store-b /,
  );
  assert.deepEqual(major(of(8), { update: { ...app.update, rehearsed: 9 } }), []);
  for (const none of ["", of(1, "failed"), of(-1), of(1).replace("of=node-a", "of=node-c")])
    assert.equal(major(none).length, 1, none);
  assert.match(
    major(of(1), { restore: undefined }).join(),
    /fix: add backup: and restore: to the application/,
  );
});
