/** Folders of a host in place of volumes: what a lock must say of them, what a release makes of them, and what a host refuses. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { releaseOf } from "../../modules/apps/release.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import type { ComposeService, StateMount } from "../../modules/core/host/compose-project.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { phasesOf } from "../../modules/rollout/phases.ts";
import { hostAppProblems } from "../../offline-bundle/locking/host-app-problems.ts";
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";

const image = exampleApp.images[0]?.name ?? "";

function lockOf(services: Readonly<Record<string, readonly StateMount[] | undefined>>): Lock {
  return {
    ...{ format: 1, serial: 1, platforms: ["linux/amd64"] },
    images: [
      {
        ...{ name: image, digest: `sha256:${"1".repeat(64)}` },
        ...{ platforms: ["linux/amd64"], sources: ["computed-here"] },
      },
    ],
    files: [
      {
        ...{ name: "shop", version: "2.4.0", platform: "any", kind: "app", url: "app:../apps/shop.yaml" },
        ...{ bytes: 1, sha256: "2".repeat(64), licence: "MIT", sources: ["computed-here"], members: [] },
        project: { file: "compose.yaml", services: servicesOf(services) },
      },
    ],
  };
}

function servicesOf(services: Readonly<Record<string, readonly StateMount[] | undefined>>): ComposeService[] {
  return Object.entries(services).map(([name, mounts]) => ({
    ...{ name, image, config: "c1".repeat(8) },
    ...(mounts === undefined ? {} : { mounts }),
  }));
}

function problems(
  services: Readonly<Record<string, readonly StateMount[] | undefined>>,
  app: Partial<AppSpec>,
): readonly string[] {
  const volumes = { group: "vg0", logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }] };
  const host = { ...exampleHost(), volumes, daemon: { "data-root": "/docker" } };
  const apps = [{ ...exampleAppSpec, ...app }];
  return hostAppProblems({ ...host, apps }, lockOf(services), () => "stacks/prod.site.yaml:9:9").map(
    formatProblem,
  );
}

const state = { target: "/var/lib/db", volume: "database" };
const data = { db: { path: "/data/shop-db" } };
const backup = { at: "02:30", stop: true, dump: {} };

test("a folder takes the place of the one volume that its service writes to", () => {
  const config = { target: "/config", volume: "config", readOnly: true };
  assert.deepEqual(problems({ db: [state, config], web: [] }, { data }), []);
  assert.deepEqual(problems({ db: [state], web: [] }, { data, backup }), []);
  assert.deepEqual(problems({ db: [{ target: "/data" }] }, { data, backup }), []);
  // A second volume that is not backed up, and the socket of the engine.
  const cache = { target: "/cache", volume: "cache" };
  const socket = { target: "/var/run/docker.sock", source: "/var/run/docker.sock" };
  assert.deepEqual(
    problems({ db: [state, cache, socket] }, { data, backup: { ...backup, without: ["cache"] } }).filter(
      (one) => one.includes("E_APP_DATA"),
    ),
    [],
  );
  // Others that mount the volume get its folder.
  assert.deepEqual(problems({ db: [state], web: [state] }, { data, backup }), []);
});

for (const [what, services, app, expected] of [
  [
    "a lock without volumes",
    { db: undefined },
    { data },
    /found: a lock that does not record the volumes of db; .*fix: run sealift bundle lock/,
  ],
  [
    "data of no service",
    { web: [state] },
    { data },
    /found: data of db, which is no service of its Compose file; expected: one of web; fix: correct the name/,
  ],
  [
    "data of a service without volumes",
    { db: [{ ...state, readOnly: true }] },
    { data },
    /found: service db writes to no volume; .*fix: add a named volume/,
  ],
  [
    "data of a service with two volumes",
    { db: [state, { target: "/cache", volume: "cache" }] },
    { data },
    /found: service db writes to database:\/var\/lib\/db, cache:\/cache; .*fix: leave one of them .*backup\.without/,
  ],
  [
    "data of a service with a path of the host",
    { db: [{ target: "/x", source: "/data/other" }] },
    { data },
    /found: service db writes to \/data\/other:\/x; .*fix: use a named volume/,
  ],
  [
    "data of a service with a target that a host could not compare",
    { db: [{ target: "/with blank", volume: "x" }] },
    { data },
    /found: service db writes to x:\/with blank; /,
  ],
  [
    "two folders for one volume",
    { db: [state], web: [state] },
    { data: { ...data, web: { path: "/data/web" } } },
    /found: volume database for the data of db and of web; .*fix: remove web from data:/,
  ],
  [
    "a backup without the state of a service",
    { db: [state], web: [{ target: "/up", volume: "uploads" }] },
    { data, backup },
    /found: service web writes to uploads:\/up, which no backup would contain; .*fix: add web: \{ path: … \} to data:, or backup: \{ without: \[uploads\] \}/,
  ],
  [
    "a backup without a volume that has no name",
    { db: [state], web: [{ target: "/up" }] },
    { data, backup },
    /found: service web writes to \/up, which no backup would contain; .*fix: add web: \{ path: … \} to data:$/,
  ],
  [
    "a volume in backup.without that does not exist",
    { db: [state] },
    { data, backup: { ...backup, without: ["cahce"] } },
    /found: cahce in backup\.without, which no service writes to; expected: one of database; /,
  ],
] as const)
  test(`${what} is refused, with its place and what to do`, () => {
    const found = problems(services, app);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", /^stacks\/prod\.site\.yaml:9:9: E_APP_DATA node-a apps shop: found: /);
    assert.match(found[0] ?? "", expected);
  });

test("no service mounts the folder of another one's data", () => {
  const found = problems({ db: [state], web: [] }, { data });
  assert.deepEqual(found, []);
  const lock = lockOf({ db: [state], web: [{ target: "/x", source: "/data" }] });
  const volumes = { group: "vg0", logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }] };
  const host = { ...exampleHost(), volumes, daemon: { "data-root": "/docker" } };
  const [file] = lock.files;
  const services = (file?.project?.services ?? []).map((one) =>
    one.name === "web" ? { ...one, hostPaths: ["/data"] } : one,
  );
  const changed = {
    ...lock,
    files: lock.files.map((one) => ({ ...one, project: { file: "compose.yaml", services } })),
  };
  const apps = [{ ...exampleAppSpec, data }];
  assert.match(
    hostAppProblems({ ...host, apps }, changed, () => "site")
      .map(formatProblem)
      .join(),
    /^site: E_APP_PATH node-a apps shop: found: service web mounts \/data of the host; /,
  );
});

const files = {
  ...exampleApp,
  project: {
    file: "compose.yaml",
    services: servicesOf({ db: [state], reader: [{ ...state, target: "/ro", readOnly: true }], web: [] }),
  },
};
const spec = { ...exampleAppSpec, data };

test("a release mounts the folder, and replaces exactly the services that had the volume", () => {
  const before = releaseOf(exampleAppSpec, files, "/svc/apps/shop");
  const now = releaseOf(spec, files, "/svc/apps/shop");
  const { services } = parse(now.override) as { services: Record<string, unknown> };
  const labels = (name: string): object => ({ "io.sealift.service": now.signatures.get(name) });
  assert.deepEqual(services, {
    db: {
      image,
      labels: { ...labels("db"), "io.sealift.data": "db=/data/shop-db" },
      volumes: [
        {
          ...{ type: "bind", source: "/data/shop-db", target: "/var/lib/db" },
          bind: { create_host_path: false },
        },
      ],
    },
    reader: {
      ...{ image, labels: labels("reader") },
      volumes: [{ type: "bind", source: "/data/shop-db", target: "/ro", read_only: true }],
    },
    web: { image, labels: labels("web") },
  });
  const replaced = [...now.signatures].filter(([name, one]) => before.signatures.get(name) !== one);
  assert.deepEqual(
    replaced.map(([name]) => name),
    ["db", "reader"],
  );
  assert.notEqual(now.id, before.id);
});

test("the folder is a fact before the services, with its mount; without data, nothing is added", () => {
  const host = {
    ...exampleHost(),
    apps: [{ ...spec, data: { db: { path: "/data/shop-db", owner: "999:999" } } }],
  };
  const steps = phasesOf(host, { ...exampleFiles, apps: [files] }, exampleFacts).apps?.steps ?? [];
  const at = steps.findIndex(({ code }) => code === "apps.shop.data.db");
  assert.deepEqual(steps[at]?.call, [
    "app_data",
    ...["/svc/apps/shop", "shop", "db", "/data/shop-db", "/data", "999:999", "/var/lib/db", "database"],
  ]);
  assert.ok(at < steps.findIndex(({ code }) => code === "apps.shop.volumes"));
  const without = phasesOf(
    { ...host, apps: [exampleAppSpec] },
    { ...exampleFiles, apps: [files] },
    exampleFacts,
  ).apps;
  assert.deepEqual(without?.steps.find(({ code }) => code === "apps.shop.volumes")?.call.slice(4), ["db"]);
  assert.equal(without.steps.filter(({ code }) => code.includes(".data.")).length, 0);
});

/** What the guard and the check of a folder say on a host with these folders and this container. */
function onHost(
  { full = [], empty = [] }: { readonly full?: readonly string[]; readonly empty?: readonly string[] },
  { container = "", volume = "", before = "" },
  call: string,
): string {
  const folder = mkdtempSync(join(tmpdir(), "sealift-data-"));
  try {
    for (const one of [...full, ...empty]) mkdirSync(join(folder, one), { recursive: true });
    for (const one of full) writeFileSync(join(folder, one, "file"), "");
    mkdirSync(join(folder, "shop/current"), { recursive: true });
    writeFileSync(join(folder, "shop/current/sealift.override.yaml"), before.replaceAll("@", folder));
    const input = `${library.text}
SEALIFT_DOCKER=docker
timeout() { shift; "$@"; }
mount_inspect() { :; }
path_is_safe() { :; }
app_data_engine() { :; }
docker() { case $1 in ps) echo id ;; inspect) echo '${container.replaceAll("@", folder)}' ;; volume) echo '${volume.replaceAll("@", folder)}' ;; esac; }
attempt ${call.replaceAll("@", folder)}
printf '%s' "$attempt_output"
`;
    return execFileSync("sh", { input, encoding: "utf8" }).replaceAll(folder, "@");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const guard = "guard_app_data @/shop shop db @/new @ '' /var/lib/db database";
const running = "shop-db-1 running /var/lib/db @/old";

test("a database never starts on an empty folder while its state is elsewhere", () => {
  const moves =
    "as root: docker stop shop-db-1 && mkdir @/new.new && cp -aT @/old @/new.new && mv -T @/new.new @/new, then pulumi up";
  for (const empty of [[], ["new"]])
    assert.equal(
      onHost({ full: ["old"], empty }, { container: running }, guard),
      `E_DATA_MOVED shop-db-1 has its data in @/old, and @/new is empty; fix: ${moves}`,
    );
  // It goes on writing where it is, so that a copy from before is older.
  assert.match(
    onHost({ full: ["old", "new"] }, { container: running }, guard),
    /^E_DATA_MOVED shop-db-1 is running and writes to @\/old: the copy in @\/new is older; fix: as root: docker stop shop-db-1 && mv -T @\/new @\/new\.old, then pulumi up/,
  );
  assert.match(
    onHost({ full: ["old"] }, { volume: "@/old" }, guard),
    /^E_DATA_MOVED @\/old has data of db, and @\/new is empty; fix: as root: mkdir @\/new\.new && /,
  );
  const before = '"io.sealift.data": "db=@/old"';
  assert.match(onHost({ full: ["old"] }, { before }, guard), /^E_DATA_MOVED @\/old has data of db/);
  const own = running.replace("@/old", "@/new");
  assert.match(
    onHost({}, { container: own }, guard),
    /^E_DATA_MOVED @\/new, with the data of shop-db-1, is gone/,
  );
});

test("a folder with the data, and a service without any, are accepted", () => {
  const stopped = running.replace("running", "exited");
  for (const [folders, host] of [
    [{}, {}],
    [{ empty: ["old"] }, { container: running }],
    [{ full: ["new"] }, { volume: "@/old" }],
    [{ full: ["old", "new"] }, { container: stopped }],
    [{ full: ["new"] }, { container: running.replace("@/old", "@/new") }],
    [{ empty: ["new"] }, { container: running.replace("@/old", "@/new") }],
    [{}, { container: "shop-db-1 created /var/lib/db @/new" }],
    [{ full: ["old"] }, { container: "shop-db-1 running /elsewhere @/old" }],
  ] as const)
    assert.equal(onHost(folders, host, guard), "", JSON.stringify([folders, host]));
});

test("a service whose data: was removed does not start on an empty volume", () => {
  const call = "guard_app_volumes @/shop shop 2.4.0-0a0b0c0d db";
  const before = '"io.sealift.data": "db=@/old"';
  assert.match(
    onHost({ full: ["old"] }, { before }, call),
    /^E_DATA_MOVED the data of db is in @\/old, and data: of the site no longer names it; fix: keep data: in the site; or stop shop, copy @\/old into the volume/,
  );
  assert.equal(onHost({ empty: ["old"] }, { before }, call), "");
  assert.equal(onHost({ full: ["old"] }, { before: before.replace("db=", "other=") }, call), "");
});

test("the folder is made with its owner, and keeps what is in it", () => {
  const ids = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const args = `@/shop shop db @/new @ ${ids} /var/lib/db database`;
  const calls = `echo; install() { shift 7; mkdir -p $*; }; chown() { echo "chown $*"; }; on_disk() { :; }; attempt apply_app_data ${args}; printf '%s\\n' "$attempt_output"; attempt check_app_data ${args}`;
  assert.equal(onHost({}, {}, calls), `chown -h ${ids} @/new\n`);
  assert.match(
    onHost({ empty: ["new"] }, {}, `check_app_data ${args.replace(ids, "12:34")}`),
    /^@\/new belongs to /,
  );
});

test("nothing starts while a restore has begun and has not ended", () => {
  const record = (step: string): string =>
    `echo; mkdir -p @/backup/shop; printf 'snapshot=%s\\nstep=%s\\n' a1b2c3d4 ${step} >@/backup/shop/restore; SEALIFT_STATE=@; attempt`;
  const check =
    "check_app_data @/shop shop db @/new @ '' /var/lib/db database; printf '%s\\n' \"$attempt_output\"";
  assert.match(
    onHost({ full: ["new"] }, {}, `${record("place")} ${guard}; printf '%s' "$attempt_output"`),
    /^E_RESTORE a restore of shop has begun and has not ended \(step place\): .*; fix: end it on the host: \/opt\/sealift\/backup\/restore shop --from a1b2c3d4 --confirm shop, or --undo/,
  );
  assert.match(onHost({ full: ["new"] }, {}, `${record("place")} ${check}`), /^a restore of shop has begun/);
  for (const step of ["done", "undone"])
    assert.equal(onHost({ full: ["new"] }, {}, `${record(step)} ${check}`), "\n");
});

test("an engine that does not answer does not mean that there is no data elsewhere", () => {
  const silent = "echo; docker() { return 1; }; attempt";
  const args = "@/shop shop db @/new @ '' /var/lib/db database";
  for (const call of ["check_app_data", "apply_app_data"])
    assert.match(
      onHost({ empty: ["new"] }, {}, `${silent} ${call} ${args}; printf '%s' "$attempt_output"`),
      /^the engine does not answer, so that it is not known whether db has its data elsewhere/,
    );
  assert.equal(onHost({ full: ["new"] }, {}, `${silent} check_app_data ${args}`), "");
});
