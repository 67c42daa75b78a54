import assert from "node:assert/strict";
import { test } from "node:test";
import { clientSteps } from "../../modules/backup/client-steps.ts";
import { planText, type Step } from "../../modules/core/host/step.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleArchive, library } from "../support/fixtures/example-host.ts";

const hex = (digits: string): string => digits.repeat(32);
const restic = {
  ...exampleArchive,
  ...{ version: "0.19.1", sha256: hex("e1"), bytes: 9_000_000 },
  members: [{ path: "restic", sha256: hex("e2") }],
};

/** One with a snapshot, one that stops, one that is only dumped, and one without backups. */
const apps: readonly AppSpec[] = [
  {
    ...exampleAppSpec,
    data: { database: { path: "/data/shop-db", owner: "999:999" }, cache: { path: "/data/shop-cache" } },
    backup: {
      ...{ at: "02:30", stop: false, snapshot: "data" },
      dump: {
        database: { engine: "postgresql", user: "shop", password: "db_password" },
        cache: { engine: "redis" },
      },
    },
  },
  {
    ...{ ...exampleAppSpec, name: "ledger" },
    data: { db: { path: "/data/ledger" } },
    backup: { at: "03:00", stop: true, dump: { db: { engine: "mariadb" } } },
  },
  {
    ...{ ...exampleAppSpec, name: "notes" },
    data: { db: { path: "/data/notes" } },
    backup: { at: "03:15", stop: false, dump: { db: { command: ["sh", "-c", 'dump\t"all"'] } } },
  },
  { ...exampleAppSpec, name: "plain" },
];

/** A worker writes to the folder of the ledger's database. */
const ledger = {
  ...{ ...exampleApp, name: "ledger" },
  project: {
    file: "compose.yaml",
    services: ["db", "worker"].map((name) => ({
      ...{ name, image: "docker.io/library/nginx:1.29", config: "c1".repeat(8) },
      mounts: [{ target: "/state", volume: "db" }],
    })),
  },
};

const steps = (certificates: ReadonlyMap<string, string>): readonly Step[] =>
  clientSteps({
    ...{ host: "node-a", apps, releases: [ledger], restic, certificates },
    backup: {
      restic: "0.19.1",
      password: "restic.age",
      store: { host: "store-a", address: "10.0.0.9", port: 8000 },
    },
    volumes: { group: "vg0", logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }] },
    password: "/run/sealift/secrets/_backup/restic.0a1b2c3d",
  });

test("plan text of a host whose applications are backed up", () => {
  const phase = { name: "backup", steps: steps(new Map([["store-a", "MAAA"]])) };
  assertSamePlan("backup-client", "node-a", { backup: phase } as never, "backup");
});

test("every step calls functions of the library, and the plan has no password", () => {
  const found = steps(new Map());
  for (const { code, call } of found) {
    assert.ok(code.startsWith("backup."), code);
    for (const kind of ["check", "apply"])
      assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\)`, "m"));
  }
  assert.match(
    planText("node-a", { name: "backup", steps: found }, { serial: 1 }),
    /store_certificate_known store-a unknown/,
  );
});
