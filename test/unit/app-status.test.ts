/** What a host says about its applications: the words of the shell, their parser, the table, and the exit code. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { statusExitCode } from "../../cli/status.ts";
import { statusText } from "../../cli/output/status-text.ts";
import type { Paint } from "../../cli/output/paint.ts";
import { parseAppStatus } from "../../modules/apps/status.ts";
import { differences } from "../../modules/core/host/drift.ts";
import type { Probe } from "../../modules/core/host/probe.ts";
import type { StepReport } from "../../modules/core/host/report.ts";
import { factPhases, phasesOf } from "../../modules/rollout/phases.ts";
import { hostedApp, type HostedApp, type SiteStatus } from "../../modules/rollout/site-status.ts";
import { checkout } from "../lab/cache.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";

const id = `sha256:${"ab".repeat(32)}`;
const otherId = `sha256:${"cd".repeat(32)}`;
const start = "2026-11-30T12:00:00Z";

/** The value of a host whose docker and files are these functions. */
function words(functions: string): string {
  const input = `${library.text}
set -eu
SEALIFT_DOCKER=docker
timeout() { shift; "$@"; }
app_current() { echo 1.1.0-0a0b0c0d; }
app_last_update() { :; }
${functions}
value_app_status /svc/apps/shop shop 1.1.0-0a0b0c0d
`;
  return execFileSync("sh", { input, encoding: "utf8" }).trimEnd();
}

test("a host reports release, last update and its containers; equal ones of a service are one word, other forms are counted", () => {
  const value = words(`
app_inspect() {
  app_seen='inspected 1 1.1.0-0a0b0c0d
hash web 11
container web -11 shop-web-1 nginx:1 -22 ${id} running Up 2 hours
container web -11 shop-web-2 nginx:1 -22 ${id} running Up 2 hours
container x y -11 --all nginx:1 -22 ${id} running Up 2 hours'
}
app_last_update() { echo 'updated 1764500000 1.0.0-00000000 1.1.0-0a0b0c0d web=1200 worker=80 $(id)=1 x=y'; }
docker() {
  while [ "$1" != -- ]; do shift; done
  if [ "$*" != '-- shop-web-1 shop-web-2' ]; then echo "$*" >&2; return 1; fi
  cat <<'END'
container "web" running healthy 0 1 2026-11-30T12:00:00.5Z ${id}
container "web" running healthy 0 2 2026-11-30T12:00:09.123456789Z ${id}
container "web" running unhealthy 0 0 2026-11-30T12:00:00Z ${otherId}
container "one\\nrelease=9 x" running healthy 0 0 2026-11-30T12:00:00Z ${id}
container "migrate" exited none 0 0 2026-11-30T12:00:00Z ${id}
END
}`);
  assert.equal(
    value,
    [
      "release=1.1.0-0a0b0c0d updated=1764500000,1.0.0-00000000,1.1.0-0a0b0c0d down=web,1200 down=worker,80",
      `containers=web,2,running,healthy,0,3,2026-11-30T12:00:09Z,${id}`,
      `containers=web,1,running,unhealthy,0,0,${start},${otherId}`,
      `containers=migrate,1,exited,none,0,0,${start},${id} more=1`,
    ].join(" "),
  );
});

test("containers that do not fit into a host's report are counted", () => {
  const value = words(`
app_inspect() { app_seen='container web -11 shop-web-1 nginx:1 -22 ${id} running Up'; }
docker() { seq -f 'container "${"x".repeat(90)}%03g" running healthy 0 0 ${start} ${id}' 1 200; }`);
  const listed = value.split(" ").filter((word) => word.startsWith("containers="));
  assert.ok(listed.length > 50 && value.length < 14_100, String(value.length));
  assert.match(value, new RegExp(` more=${200 - listed.length}$`));
  assert.equal(parseAppStatus(value).more, 200 - listed.length);
});

test("without an engine that answers there is no value", () => {
  assert.equal(
    words(`app_inspect() { return 1; }\nvalue_app_status x y z || echo nothing; exit 0`),
    "nothing",
  );
});

test("the parser takes what has its form: the worst state, the newest start and all restarts of a service", () => {
  assert.deepEqual(
    parseAppStatus(
      [
        "release=1.1.0-0a0b0c0d updated=1764500000,-,1.1.0-0a0b0c0d down=worker,80 down=web,1200",
        `containers=web,2,running,healthy,0,3,2026-11-30T12:00:09Z,${id}`,
        `containers=web,1,running,unhealthy,0,1,${start},${otherId}`,
        `containers=migrate,1,exited,none,0,0,0001-01-01T00:00:00Z,${id} more=2`,
      ].join(" "),
    ),
    {
      release: "1.1.0-0a0b0c0d",
      services: [
        { name: "migrate", containers: 1, health: "ended", images: [id], restarts: 0 },
        {
          ...{ name: "web", containers: 3, health: "unhealthy", images: [id, otherId], restarts: 4 },
          since: "2026-11-30T12:00:09Z",
        },
      ],
      update: {
        ...{ at: "2025-11-30T10:53:20Z", to: "1.1.0-0a0b0c0d" },
        down: [
          { service: "web", milliseconds: 1200 },
          { service: "worker", milliseconds: 80 },
        ],
      },
      more: 2,
    },
  );
});

const hostile: readonly [value: string, more: number][] = [
  ["", 0],
  ["=", 0],
  ["release=<b>x</b> release= updated=now,a,b more=-1", 0],
  [`release=${"1".repeat(101)} updated=1764500000,a,b,c more=${"9".repeat(20)}`, 0],
  [`containers=web,1,running,healthy,0,0,${start},sha256:12`, 1],
  [`containers=w\u001b[31mb,1,running,healthy,0,0,${start},${id}`, 1],
  [`containers=web,1,running,perfect,0,0,${start},${id}`, 1],
  [`containers=web,1,flying,healthy,0,0,${start},${id}`, 1],
  [`containers=web,x,running,healthy,0,0,${start},${id}`, 1],
  [`containers=web,1,running,healthy,0,0,${start},${id},more`, 1],
];
for (const [value, more] of hostile)
  test(`a host that says ${JSON.stringify(value.slice(0, 60))} says nothing that is taken`, () => {
    assert.deepEqual(parseAppStatus(value), { services: [], more });
  });

const codes = ["service.migrate", "service.web", "service.worker", "rest", "current"];
const running = (...containers: readonly string[]): string =>
  ["release=2.4.0-0a0b0c0d", ...containers.map((one) => `containers=${one},${start},${id}`)].join(" ");
const well = ["migrate,1,exited,none,0,0", "web,1,running,healthy,0,0", "worker,2,running,none,0,1"];

function probeOf(value: string | undefined, differing: Readonly<Record<string, string>> = {}): Probe {
  const steps = codes.map((code): StepReport => {
    const found = differing[code];
    const status = found === undefined ? "ok" : "drift";
    return { code: `apps.shop.${code}`, status, fact: "", found: found ?? "" };
  });
  return {
    kind: "reached",
    report: {
      ...{ steps, revision: undefined },
      ...(value === undefined ? {} : { values: { "apps.shop.status": value } }),
    },
  };
}
const unreachable: Probe = {
  kind: "unreachable",
  problem: {
    where: "node-f",
    code: "E_HOST_UNREACHABLE",
    subject: "ops@10.20.0.11:22",
    found: "Connection refused",
    expected: "an answer from sshd",
    fix: "make sure that the host runs",
  },
};
const updated = "updated=1764500000,2.3.1-00000000,2.4.0-0a0b0c0d down=web,1234 down=worker,0";
const shop = (host: string, probe: Probe): HostedApp =>
  hostedApp(host, { name: "shop", version: "2.4.0" }, probe);
const hosts: readonly HostedApp[] = [
  shop("node-a", probeOf(`${running(...well)} ${updated}`)),
  shop(
    "node-b",
    probeOf(running("migrate,1,exited,none,0,0", "web,1,running,unhealthy,0,7"), {
      "service.web": "shop-web-1 is unhealthy",
      "service.worker": "absent",
    }),
  ),
  shop(
    "node-c",
    probeOf(running(...well).replace("2.4.0", "2.3.1"), {
      current: "2.3.1-0a0b0c0d",
      "service.web": "shop-web-1 runs another configuration",
    }),
  ),
  shop("node-d", probeOf("", { current: "absent", "service.web": "absent: there is no engine yet" })),
  shop(
    "node-e",
    probeOf(undefined, {
      current: "absent",
      "service.web": "the engine does not answer: x",
      rest: "the engine does not answer: x",
    }),
  ),
  shop("node-f", unreachable),
  shop("node-g", probeOf(running(...well), { "service.web": "shop-web-1 runs another image than nginx:1" })),
  shop(
    "node-i",
    probeOf(running(...well, "old,1,running,none,0,0"), { rest: "containers of other services: shop-old-1" }),
  ),
  shop("node-h", probeOf(running(...well), { current: "2.4.0-00000000" })),
];
const status = (applications: readonly HostedApp[], more: Partial<SiteStatus> = {}): SiteStatus => ({
  ok: applications.every(({ ok }) => ok),
  ...{ environment: "prod", problems: [], unread: [], applications, others: [] },
  ...more,
});
const plain: Paint = (_verdict, text) => text;

test("applications and hosts are rows; below them stands what was found", () => {
  assert.equal(
    statusText(status(hosts), { width: 100, paint: plain }),
    [
      "application  host    version                health                        since                 restarts  last update                      down",
      "shop         node-a  2.4.0                  healthy 3/3                   2026-11-30T12:00:00Z  1         2025-11-30T10:53:20Z from 2.3.1  web 1.2 s",
      "shop         node-b  2.4.0                  web unhealthy, worker absent  2026-11-30T12:00:00Z  7         -                                -",
      "shop         node-c  2.3.1, expected 2.4.0  healthy 3/3                   2026-11-30T12:00:00Z  1         -                                -",
      "shop         node-d  none, expected 2.4.0   not deployed                  -                     -         -                                -",
      "shop         node-e  expected 2.4.0         unknown                       -                     -         -                                -",
      "shop         node-f  expected 2.4.0         unreachable                   -                     -         -                                -",
      "shop         node-g  2.4.0                  web differs                   2026-11-30T12:00:00Z  1         -                                -",
      "shop         node-i  2.4.0                  other containers              2026-11-30T12:00:00Z  1         -                                -",
      "shop         node-h  2.4.0, change pending  healthy 3/3                   2026-11-30T12:00:00Z  1         -                                -",
      "",
      "FAIL  node-f: E_HOST_UNREACHABLE ops@10.20.0.11:22",
      "  found     Connection refused",
      "  expected  an answer from sshd",
      "  fix       make sure that the host runs",
      "",
      "node-b shop web     shop-web-1 is unhealthy",
      "node-b shop worker  absent",
      "node-e shop web     the engine does not answer: x",
      "node-e shop         the engine does not answer: x",
      "node-g shop web     shop-web-1 runs another image than nginx:1",
      "node-i shop         containers of other services: shop-old-1",
    ].join("\n"),
  );
});

test("only rows that are not right are coloured", () => {
  const paint: Paint = (verdict, text) => `<${verdict}>${text}`;
  const lines = statusText(status(hosts.slice(0, 2)), { width: 100, paint }).split("\n");
  assert.deepEqual(
    lines.slice(0, 3).map((line) => line.split(/ +/)[0]),
    ["application", "shop", "<fail>shop"],
  );
});

test("an application is right only if the expected release runs, with all services well and no other containers", () => {
  assert.deepEqual(
    hosts.map(({ host, ok }) => (ok ? host : "")).filter((host) => host !== ""),
    ["node-a"],
  );
  const other = shop(
    "node-a",
    probeOf(running(...well), { rest: "containers of other services: shop-old-1" }),
  );
  const more = shop("node-a", probeOf(`${running(...well)} more=1`));
  assert.deepEqual([other.ok, more.ok], [false, false]);
});

test("the exit code distinguishes right, wrong and unreachable applications", () => {
  const [right, wrong] = hosts;
  assert.ok(right !== undefined && wrong !== undefined);
  const silent = shop("node-f", unreachable);
  assert.equal(statusExitCode(status([])), 0);
  assert.equal(statusExitCode(status([right])), 0);
  assert.equal(statusExitCode(status([right, silent])), 69);
  assert.equal(statusExitCode(status([wrong, silent])), 78);
  const { problem } = silent;
  assert.ok(problem);
  const missing = { ...problem, code: "E_BUNDLE_MISSING" } as const;
  assert.equal(statusExitCode(status([right], { problems: [missing] })), 66);
});

test("the gate of a rollout checks applications again: one that became unhealthy is a fact that does not hold", () => {
  const phases = phasesOf(
    { ...exampleHost(), apps: [exampleAppSpec] },
    { ...exampleFiles, apps: [exampleApp] },
    exampleFacts,
  );
  const apps = factPhases(phases).find(({ name }) => name === "apps");
  assert.ok(apps);
  const after: Probe = {
    kind: "reached",
    report: {
      revision: undefined,
      steps: apps.steps.map(({ code, fact }) =>
        code === "apps.shop.service.web"
          ? { code, fact, status: "drift", found: "shop-web-1 is unhealthy" }
          : { code, fact, status: "ok", found: "" },
      ),
    },
  };
  assert.deepEqual(
    (differences(apps, after) ?? []).map(({ step }) => step.code),
    ["apps.shop.service.web"],
  );
});

test("a site without applications says so", () => {
  assert.equal(statusText(status([]), { width: 100, paint: plain }), "prod: the site has no applications");
});

test("an unknown environment is missing input, as text and as JSON", () => {
  const command = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(checkout, "cli", "sealift.js"), "status", ...args], {
      cwd: checkout,
      encoding: "utf8",
    });
  const absent = command("no-such-env");
  assert.equal(absent.status, 66);
  assert.match(String(absent.stderr), /E_SITE_MISSING/);
  const json = command("no-such-env", "--json");
  const { ok, problems } = JSON.parse(String(json.stdout)) as { ok: boolean; problems: { code: string }[] };
  assert.deepEqual([json.status, ok, problems.map(({ code }) => code)], [66, false, ["E_SITE_MISSING"]]);
});
