import assert from "node:assert/strict";
import { test } from "node:test";
import { backupApp, type HostSecret } from "../../modules/core/host/blob.ts";
import { backupsOf, type BackupsFile } from "../../modules/core/site/backups.ts";
import type { AppSpec, HostSpec } from "../../modules/core/site/site-spec.ts";
import { phasesOf, type HostPhases } from "../../modules/rollout/phases.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleArchive, exampleFacts, exampleFiles, exampleHost } from "../support/fixtures/example-host.ts";

const file: BackupsFile = {
  ...{ restic: "0.19.1", restServer: "0.14.0", password: "secrets/restic.age" },
  store: { host: "store-a", mount: "/data" },
};
const [service] = exampleApp.project.services;
assert.ok(service);
const app: AppSpec = {
  ...exampleAppSpec,
  data: { [service.name]: { path: "/data/shop", owner: "999:999" } },
  backup: {
    ...{ at: "02:30", snapshot: "data", stop: false },
    dump: { [service.name]: { engine: "postgresql", user: "shop", password: "db_password" } },
  },
  restore: {
    ...{ rehearse: "weekly", on: "store-a" },
    check: { [service.name]: ["psql", "-U", "shop", "-c", "select count(*) from visits"] },
  },
};
const hosts = [
  { name: "node-a", address: "10.20.0.11", backed: true, registry: true },
  { name: "store-a", address: "10.20.0.20", backed: false },
];
const password: HostSecret = {
  ...{ app: backupApp, name: "restic", owner: "0:0", mode: "0400" },
  ...{ sha256: "51".repeat(32), bytes: 499, path: "secrets/restic.age" },
};
const restic = { ...exampleArchive, version: "0.19.1", sha256: "a1".repeat(32) };
const restServer = { ...exampleArchive, version: "0.14.0", sha256: "a2".repeat(32) };

function phases(name: string, more: Partial<HostSpec>, files: object, site = file): HostPhases {
  const { store, backup } = backupsOf(site, hosts, name);
  const spec: HostSpec = {
    ...exampleHost(),
    ...{ name, apps: [], ...more },
    ...(store === undefined ? {} : { store }),
    ...(backup === undefined ? {} : { backup }),
  };
  return phasesOf(spec, { ...exampleFiles, secrets: [password], restic, restServer, ...files }, exampleFacts);
}

test("plan text of a restore: the script, and what it knows of each application", () => {
  const { backup } = phases("node-a", { apps: [app] }, { apps: [exampleApp] });
  const steps = backup?.steps.filter(
    ({ code }) => code.endsWith(".restore") || code === "backup.restore-script",
  );
  assert.equal(steps?.length, 2);
  const all = phases("node-a", { apps: [app] }, { apps: [exampleApp] });
  assertSamePlan("backup-restore", "node-a", { ...all, backup: { name: "backup", steps } }, "backup");
});

test("plan text of a registry that is backed up, as it is and from a snapshot", () => {
  const serves = { version: "3.1.2", mount: "/registry", address: "10.20.0.11", writerPort: 5001 };
  const registry: NonNullable<HostSpec["registry"]> = {
    ...{ name: "registry.site", port: 5000, prefix: "", addresses: ["10.20.0.11"], mirroredRegistries: [] },
    ...{ follows: "names", explicitMirrors: false, trust: { hosts: ["node-a"] }, serves },
  };
  const volumes = {
    ...exampleHost().volumes,
    logicalVolumes: [{ name: "registry", size: "20GiB", mount: "/registry" }],
  };
  const plan = (more: object) => {
    const site = { ...file, registry: { at: "03:30", ...more } };
    return phases("node-a", { registry, volumes }, {}, site);
  };
  const all = plan({});
  const own = all.backup?.steps.filter(({ code }) => code.includes("_registry") || code === "backup.others");
  assert.deepEqual(
    own?.map(({ code }) => code),
    ["restore", "others", "job", "recent", "status"].map((what) =>
      what === "others" ? "backup.others" : `backup._registry.${what}`,
    ),
  );
  assertSamePlan("backup-registry", "node-a", { ...all, backup: { name: "backup", steps: own } }, "backup");
  const job = plan({ snapshot: "registry" }).backup?.steps.find(({ code }) => code.endsWith("_registry.job"));
  assert.match(
    job?.fact ?? "",
    /^the registry is backed up every day at 03:30: the files of bundles, storage from a snapshot of registry$/,
  );
  assert.ok(
    job !== undefined && job.call.includes("volume=vg0/registry") && job.call.includes("mount=/registry"),
  );
  assert.ok(!job.call.includes("steady=yes"));
});

const rehearsals = [{ of: "node-a", app, repository: "node-a" }];

test("plan text of a rehearsal: the files of the release are on the store, and nothing of it runs", () => {
  const all = phases("store-a", { rehearsals }, { rehearsed: [exampleApp] });
  assertSamePlan("backup-rehearsal", "store-a", all, "apps", "rehearsal");
  assert.ok(all.apps?.steps.every(({ effect }) => effect === "none"));
});

test("the same application of two hosts is rehearsed twice, under two names, with one release", () => {
  const two = [...rehearsals, { of: "node-b", app, repository: "node-b" }];
  const all = phases("store-a", { rehearsals: two }, { rehearsed: [exampleApp, exampleApp] });
  const jobs = all.rehearsal?.steps.map(({ code }) => code).filter((code) => code.endsWith(".job"));
  assert.deepEqual(jobs, ["rehearsal.shop.job", "rehearsal.shop.node-b.job"]);
  const releases = all.apps?.steps.filter(({ code }) => code.endsWith(".release"));
  assert.equal(releases?.length, 1);
});
