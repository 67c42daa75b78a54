/** What hosts say about backups, copies and rehearsals: parsed as untrusted input, shown, and warned about. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { doctorText } from "../../cli/output/doctor-text.ts";
import { statusText } from "../../cli/output/status-text.ts";
import { dataStatusOf, dataWarnings, statusSteps } from "../../modules/backup/data-status.ts";
import { parseRehearsalStatus } from "../../modules/backup/rehearsal-status.ts";
import { parseStoreStatus } from "../../modules/backup/store-status.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { backedUpApps } from "../../modules/rollout/diagnosis.ts";
import { hostWarnings } from "../../modules/rollout/host-findings.ts";
import { hostReceipt } from "../../modules/receipt/receipt.ts";
import { diagnosisOf } from "../support/fixtures/fake-probes.ts";
import { exampleAppSpec } from "../support/fixtures/example-app.ts";
import { backedApps } from "../../modules/core/site/backed-apps.ts";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";
import { exampleFiles, exampleHost, examplePhases } from "../support/fixtures/example-host.ts";

const snapshot = "5f".repeat(32);
const good = `time=1796040000 snapshot=${snapshot} run=0123456789abcdef release=2.4.0-0a0b0c0d bytes=5368709120 added=107374182 seconds=61 stopped=0`;
const rehearsed =
  "result=good time=1796050000 seconds=75 of=node-a snapshot=5f5f5f5f backup=1796040000 release=2.4.0-0a0b0c0d bytes=5368709120 image=same good=1796050000 answer=visits 4711";
const stored =
  "node-a checked=1796045000 result=ok snapshots=24 bytes=6000000000 copied.store-b=1796046000; node-b; x/../y result=ok; node-c checked=9999999999999 result=fine bytes=-1 copied.=5 copied.<b>=5;";

const backup = { at: "02:30", stop: false, snapshot: "data", dump: {} };
const restore = { rehearse: "weekly", on: "store-b", check: {} } as const;
const app = { ...exampleAppSpec, backup, restore };
const client = {
  ...{ restic: "0.19.1", password: "secrets/restic.age" },
  store: { host: "store-a", address: "10.20.0.12", port: 8000 },
};
const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "node-a": { "backup.shop.status": good },
  "store-a": { "store.status": stored },
  "store-b": { "rehearsal.shop.status": rehearsed },
};
const of = (more: typeof values = {}): ReturnType<typeof dataStatusOf> =>
  dataStatusOf({ name: "node-a", backup: client }, app, (host) => ({ ...values, ...more })[host] ?? {});

test("a store says of each repository what was checked and copied; other forms are left out", () => {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000", "");
  assert.deepEqual(parseStoreStatus(stored), [
    {
      ...{ path: "node-a", result: "ok", checked: at(1_796_045_000), backups: 24, bytes: 6_000_000_000 },
      copied: [{ host: "store-b", at: at(1_796_046_000) }],
    },
    { path: "node-b", copied: [] },
    { path: "node-c", copied: [] },
  ]);
  assert.deepEqual(parseStoreStatus(""), []);
  assert.equal(parseStoreStatus("node-a;".repeat(5000)).length, 1000);
});

test("a rehearsal has a time, a result and what the data has answered, made harmless", () => {
  const found = parseRehearsalStatus(rehearsed);
  assert.deepEqual(
    [found?.of, found?.result, found?.seconds, found?.bytes, found?.answer],
    ["node-a", "good", 75, 5_368_709_120, "visits 4711"],
  );
  for (const value of [
    "",
    "none",
    "result=none",
    "result=good time=1796050000",
    "result=good time=x of=node-a",
  ])
    assert.equal(parseRehearsalStatus(value), undefined, value);
  const hostile = parseRehearsalStatus(`${rehearsed} \u001b[31m result=failed${"x".repeat(2000)}`);
  assert.equal(hostile?.result, "good");
  assert.ok(!hostile.answer.includes("\u001b") && hostile.answer.length <= 600);
});

test("backup, copy and rehearsal of an application come from three hosts", () => {
  const found = of();
  assert.equal(found?.backup.last?.snapshot, snapshot);
  assert.equal(found.repository?.path, "node-a");
  assert.equal(found.rehearsal?.result, "good");
  // Of the same application on another host.
  const other = { "store-b": { "rehearsal.shop.status": rehearsed.replace("of=node-a", "of=node-b") } };
  assert.equal(of(other)?.rehearsal, undefined);
  const second = { "store-b": { ...other["store-b"], "rehearsal.shop.node-a.status": rehearsed } };
  assert.equal(of(second)?.rehearsal?.of, "node-a");
  assert.deepEqual(of({ "node-a": {}, "store-a": {}, "store-b": {} }), { backup: {} });
  assert.equal(
    dataStatusOf({ name: "node-a" }, exampleAppSpec, () => ({})),
    undefined,
  );
});

test("a failed backup, a damaged repository and a failed rehearsal are warnings, each with its fix", () => {
  const all = {
    "backup.shop.status": `${good} failed=1796060000,8`,
    "store.status": "node-a result=damaged; node-b result=failed; node-c result=ok;",
    "rehearsal.shop.status": rehearsed.replace("good", "failed"),
  };
  const found = dataWarnings({ name: "node-a", apps: [app] }, all).map(formatProblem);
  assert.equal(found.length, 4);
  assert.match(
    found[0] ?? "",
    /^node-a: E_BACKUP backup of shop: found: the attempt of 2026-\S+ failed: a dump failed; the last good one is of 2026-\S+; expected: a backup that succeeds; fix: see journalctl -u sealift-backup-shop on node-a/,
  );
  assert.match(found[1] ?? "", /^node-a: E_BACKUP repository node-a: found: damaged: /);
  assert.match(
    found[2] ?? "",
    /^node-a: E_BACKUP repository node-b: found: it could not be checked or copied; /,
  );
  assert.match(
    found[3] ?? "",
    /^node-a: E_RESTORE rehearsal of shop: found: the restore of \S+ from node-a failed: visits 4711; /,
  );
  assert.match(
    dataWarnings({ name: "node-a", apps: [app] }, { "backup.shop.status": "failed=1796060000,99" })
      .map(formatProblem)
      .join(),
    /failed: exit status 99; the last good one is missing; /,
  );
  assert.deepEqual(
    dataWarnings({ name: "node-a", apps: [app] }, { ...values["node-a"], ...values["store-b"] }),
    [],
  );
  // Doctor and the gate have them as warnings: they stop nothing.
  const report = { steps: [], values: all, revision: { machine: "62ff67b1", journalLines: 1 } };
  const host = { ...exampleHost(), apps: [app] };
  assert.equal(
    hostWarnings(host, { kind: "reached", report }).filter(({ code }) => code === "E_BACKUP").length,
    3,
  );
});

test("status has a second table, and colours what is not protected", () => {
  const data = of();
  assert.ok(data);
  const running = {
    ...{ app: "shop", host: "node-a", expected: "2.4.0", ok: true, current: true, version: "2.4.0" },
    differing: [],
  };
  const others = [{ app: "_registry", host: "node-b", data: { backup: data.backup } }];
  const site = { ok: true, environment: "prod", problems: [], unread: [], others };
  const text = (applications: readonly (typeof running & { data?: typeof data })[]): readonly string[] =>
    statusText({ ...site, applications }, { width: 100, paint: (verdict, line) => `<${verdict}>${line}` })
      .split("\n")
      .slice(3);
  const [head, row, last, ...more] = text([{ ...running, data }]);
  assert.match(head ?? "", /^application +host +last backup +size +new +last copy +last rehearsal$/);
  assert.match(
    row ?? "",
    /^shop +node-a +2026-\S+Z +5\.4 GB +107\.4 MB +store-b 2026-\S+Z +2026-\S+Z good in 75 s$/,
  );
  assert.match(last ?? "", /^_registry +node-b +2026-\S+Z +5\.4 GB +107\.4 MB +- +-$/);
  assert.deepEqual(more, []);
  assert.match(
    text([{ ...running, data: { backup: {} } }])[1] ?? "",
    /^<fail>shop +node-a +none +- +- +- +-$/,
  );
  const failed = { ...data.backup, failed: { at: "2026-11-30T12:00:00Z", status: 1 } };
  assert.match(
    text([{ ...running, data: { ...data, backup: failed } }])[1] ?? "",
    /^<fail>shop .*Z, failed 2026-11-30T12:00:00Z/,
  );
  assert.match(text([running])[1] ?? "", /^_registry +node-b /);
  assert.equal(text([running]).length, 2);
});

test("doctor has the same table, of the hosts that were reached", () => {
  const spec = (name: string) => ({
    ...exampleHost(),
    name,
    apps: name === "node-a" ? [app] : [],
    backup: client,
  });
  const hosts = ["node-a", "store-a", "store-b"].map((name) => {
    const report = { steps: [], values: values[name] ?? {}, revision: undefined };
    return { spec: spec(name), probe: { kind: "reached", report } as const };
  });
  const backedUp = backedUpApps(hosts);
  assert.deepEqual(backedUp, [{ app: "shop", host: "node-a", data: of() }]);
  const text = doctorText(diagnosisOf([], { backedUp }), { width: 100, paint: (_verdict, line) => line });
  assert.match(text, /\n\napplication +host +last backup .*\nshop +node-a +2026-\S+ .* good in 75 s\n/);
});

test("a registry that is backed up has the same row and the same warning as an application", () => {
  const serves = { version: "3.1.2", mount: "/registry", address: "10.20.0.11", writerPort: 5001 };
  const registry: NonNullable<HostSpec["registry"]> = {
    ...{ name: "registry.site", port: 5000, prefix: "", addresses: [], mirroredRegistries: [] },
    ...{ follows: "names", explicitMirrors: false, trust: { hosts: ["node-a"] }, serves },
  };
  const spec = {
    ...exampleHost(),
    ...{ name: "node-a", apps: [], registry, backup: { ...client, registry: { at: "03:30" } } },
  };
  const reported = { "backup._registry.status": `${good} failed=1796060000,15` };
  const report = { steps: [], values: reported, revision: undefined };
  const [found, ...others] = backedUpApps([{ spec, probe: { kind: "reached", report } }]);
  assert.deepEqual(
    [found?.app, found?.host, found?.data.backup.last?.snapshot],
    ["_registry", "node-a", snapshot],
  );
  assert.deepEqual(others, []);
  assert.match(
    dataWarnings(spec, reported).map(formatProblem).join("\n"),
    /^node-a: E_BACKUP backup of _registry: .* see journalctl -u sealift-backup-_registry on node-a; .*$/,
  );
  // Another host of the same site runs none.
  const { registry: none, ...client2 } = spec;
  assert.ok(none);
  assert.deepEqual(backedApps(client2), []);
});

test("only the steps that report are asked for; the receipt has what they said", () => {
  const step = (code: string) => ({ code, fact: "x", effect: "none", call: ["x"] }) as const;
  const phase = { name: "backup", steps: [step("backup.shop.job"), step("backup.shop.status")] };
  assert.deepEqual(
    statusSteps([phase, undefined, { name: "store", steps: [step("store.unit")] }]).flatMap(({ steps }) =>
      steps.map(({ code }) => code),
    ),
    ["backup.shop.status"],
  );
  const reported = { ...values["node-a"], ...values["store-a"], ...values["store-b"] };
  const all = { ...reported, "apps.shop.status": "release=2.4.0-0a0b0c0d" };
  const report = { steps: [], values: all, revision: { machine: "62ff67b1", journalLines: 1 } };
  const planned = {
    ...{ spec: { ...exampleHost(), apps: [app] }, files: exampleFiles, deliveries: [], retainedBlobs: [] },
    ...{ seeds: [], warnings: [], phases: examplePhases() },
    probe: { kind: "reached", report } as const,
  };
  const { statement } = hostReceipt(planned, { kind: "reached", report });
  assert.equal(statement.applications?.[0]?.backup?.snapshot, snapshot);
  assert.deepEqual(
    statement.repositories?.map(({ path }) => path),
    ["node-a", "node-b", "node-c"],
  );
  assert.deepEqual(
    statement.rehearsals?.map(({ name, of: from, result }) => [name, from, result]),
    [["shop", "node-a", "good"]],
  );
});
