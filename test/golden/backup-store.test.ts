import assert from "node:assert/strict";
import { test } from "node:test";
import { storeSteps } from "../../modules/backup/store-steps.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { backupsOf, type BackupsFile } from "../../modules/core/site/backups.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleArchive, library } from "../support/fixtures/example-host.ts";

const hex = (digits: string): string => digits.repeat(32);
const file: BackupsFile = {
  ...{ restic: "0.19.1", restServer: "0.14.0", password: "secrets/{host}.age" },
  store: { host: "store-a", mount: "/backup", keep: { daily: 7, weekly: 0 } },
  copies: [{ host: "store-b", mount: "/copy", port: 8443 }],
};
const hosts = ["store-a", "store-b", "node-a", "node-b"].map((name, at) => ({
  ...{ name, address: `10.0.0.${at + 1}`, backed: name.startsWith("node") },
}));

function steps(host: string): readonly Step[] {
  const { store } = backupsOf(file, hosts, host);
  assert.ok(store);
  return storeSteps({
    store,
    restic: {
      ...exampleArchive,
      version: "0.19.1",
      sha256: hex("e1"),
      members: [{ path: "restic", sha256: hex("e2") }],
    },
    restServer: {
      ...{ ...exampleArchive, version: "0.14.0", sha256: hex("e3") },
      members: [{ path: "rest-server_0.14.0_linux_amd64/rest-server", sha256: hex("e4") }],
    },
    passwords: new Map(
      hosts.map(({ name }) => [`secrets/${name}.age`, `/run/sealift/secrets/_backup/${name}.0a1b2c3d`]),
    ),
    certificates: new Map([["store-b", "MAAA"]]),
  });
}

test("plan texts of a store, and of a host that gets a copy of it", () => {
  assertSamePlan(
    "backup-store",
    "store-a",
    { store: { name: "store", steps: steps("store-a") } } as never,
    "store",
  );
  assertSamePlan(
    "backup-copy",
    "store-b",
    { store: { name: "store", steps: steps("store-b") } } as never,
    "store",
  );
});

test("every step calls functions of the library", () => {
  for (const { code, call } of [...steps("store-a"), ...steps("store-b")]) {
    assert.ok(code.startsWith("store."), code);
    for (const kind of ["check", "apply"])
      assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\)`, "m"));
  }
});
