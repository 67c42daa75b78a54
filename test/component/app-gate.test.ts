/**
 * The gate between two waves sees the applications of a host: with a Pulumi engine of mocks, and reports as hosts give them, printed by a
 * program in place of ssh.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { before, beforeEach, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";
import { formatProblem } from "../../modules/core/errors.ts";
import type { Probe } from "../../modules/core/host/probe.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { hostWarnings } from "../../modules/rollout/host-findings.ts";
import { factPhases, phasesOf } from "../../modules/rollout/phases.ts";
import type { HostPlan, SitePlan } from "../../modules/rollout/plan-site.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";
import { undoAfter } from "../support/process/undo.ts";

const undo = undoAfter();
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "sealift-gate-"));
  const path = process.env["PATH"];
  process.env["PATH"] = [folder, path].join(delimiter);
  undo(() => {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true });
  });
  // Prints the next report of the host; the last one again and again.
  writeFileSync(
    join(folder, "ssh"),
    `#!/bin/sh
cat >/dev/null
while [ "$1" != -- ]; do shift; done
echo "$2" >>${folder}/asked
number=$(grep -c -x -F "$2" ${folder}/asked)
while [ ! -e "${folder}/$2.$number" ]; do number=$((number - 1)); done
cat "${folder}/$2.$number"
`,
    { mode: 0o755 },
  );
});
beforeEach(() => {
  writeFileSync(join(folder, "asked"), "");
});

const host = { ...exampleHost(), apps: [exampleAppSpec] };
const files = { ...exampleFiles, apps: [exampleApp] };
const addresses = { "node-a": "192.0.2.1", "node-b": "192.0.2.2" } as const;

/** What a host says: facts that do not hold, by code, and the health of the service web. */
interface Said {
  readonly found?: Readonly<Record<string, string>>;
  readonly web: "healthy" | "unhealthy" | "starting";
  /** Warnings, by code. */
  readonly warned?: Readonly<Record<string, string>>;
}

function reportOf(phases: ReturnType<typeof phasesOf>, { found = {}, web, warned = {} }: Said): string {
  const steps = [phases.delivery, ...factPhases(phases)].flatMap((phase) => phase.steps);
  const statusOf = (code: string): string =>
    found[code] === undefined ? (warned[code] === undefined ? "ok" : "warn") : "drift";
  const lines = steps.map(({ code, fact }) =>
    [statusOf(code), code, fact, found[code] ?? warned[code] ?? "", "none"].join("\t"),
  );
  const id = `sha256:${"ab".repeat(32)}`;
  const status = `release=2.4.0-0a0b0c0d containers=web,1,running,${web},0,0,2026-11-30T12:00:00Z,${id}`;
  return ["in", ...lines, `value\tapps.shop.status\t${status}`, "done 62ff67b1 9", ""].join("\n");
}

const unhealthy: Said = {
  found: { "apps.shop.service.web": "shop-web-1 is unhealthy" },
  web: "unhealthy",
};
const starting: Said = {
  found: { "apps.shop.service.web": "shop-web-1 is health: starting" },
  web: "starting",
};
const well: Said = { web: "healthy" };

interface Outcome {
  /** Hosts that were asked after their plans, in this order. */
  readonly checked: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Rolls out to two hosts, one after the other.
 *
 * @param before what both hosts say at first. @param after what the first says at the gate, one after the other; the second is well.
 * @param excluded whether the run leaves out the phase of this name, as `--target` does.
 */
async function rollOut(
  before: Said,
  after: readonly Said[],
  excluded: (phase: string) => boolean = () => false,
): Promise<Outcome> {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }: MockResourceArgs) => {
        const [, phase = ""] = /-([a-z]+)-run$/.exec(name) ?? [];
        const note = excluded(phase) ? { update: "in an earlier run" } : {};
        return { id: `${name}-id`, state: { ...(inputs as object), stdout: "", ...note } };
      },
      call: () => ({}),
    },
    "sealift",
    "test",
    false,
    "organization",
  );
  const { provisionHosts } = await import("../../modules/rollout/provision-hosts.ts");
  const hosts = Object.entries(addresses).map(([name, address]): HostPlan => {
    const spec = { ...host, name, address };
    const phases = phasesOf(spec, files, exampleFacts);
    const said = name === "node-a" ? after : [well];
    for (const [at, one] of said.entries())
      writeFileSync(join(folder, `${address}.${at + 1}`), reportOf(phases, one));
    const probe: Probe = { kind: "reached", report: parseReport(reportOf(phases, before)) };
    return {
      ...{ spec, files, phases, deliveries: [], retainedBlobs: [], seeds: [], probe },
      warnings: hostWarnings(spec, probe),
    };
  });
  const site: SitePlan = {
    ...{ bundle: { serial: 7 }, library, lockSha256: "", signers: [], receipt: undefined },
    ...{
      caBundles: [],
      storeCertificates: new Map(),
      unreachable: [],
      warnings: [],
      rollout: { maxUnavailable: 1 },
      hosts,
    },
  };
  const { problems } = await provisionHosts(site);
  for (const address of Object.values(addresses))
    for (const at of [1, 2, 3]) rmSync(join(folder, `${address}.${at}`), { force: true });
  const asked = readFileSync(join(folder, "asked"), "utf8").split("\n").slice(0, -1);
  return {
    checked: asked.map((address) => (address === addresses["node-a"] ? "node-a" : "node-b")),
    problems: problems.map(formatProblem),
  };
}

const update: Said = {
  found: { "apps.shop.service.web": "shop-web-1 runs another configuration" },
  web: "healthy",
};
/** The run changes the engine; whatever is with the application was so before. */
const engineOf = (said: Said): Said => ({
  ...said,
  found: { ...said.found, "engine.files": "ctr is altered" },
});
const withoutApps = (phase: string): boolean => phase === "apps";

test("the next host follows when the application of the first is healthy", async () => {
  const { checked, problems } = await rollOut(update, [well]);
  assert.deepEqual(checked, ["node-a", "node-b"]);
  assert.deepEqual(problems, []);
});

test("a warning that a host gives only after its change is logged once, and stops nothing", async (t) => {
  const logged: string[] = [];
  t.mock.method(pulumi.log, "warn", (text: string) => logged.push(text));
  const before = { "engine.files": "E_BACKUP known; fix: nothing" };
  const after = { ...before, "apps.shop.rest": "E_BACKUP it was made again; fix: restore it" };
  const { checked, problems } = await rollOut({ ...update, warned: before }, [{ ...well, warned: after }]);
  assert.deepEqual(checked, ["node-a", "node-b"]);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    logged.map((text) => text.replace(/expected: .*; fix/, "fix")),
    [
      // At the start of each host; only the second one at the gate.
      "node-a: E_BACKUP engine.files: found: known; fix: nothing",
      "node-a: E_BACKUP apps.shop.rest: found: it was made again; fix: restore it",
      "node-b: E_BACKUP engine.files: found: known; fix: nothing",
    ],
  );
});

test("an application that is unhealthy at the gate stops the rollout", async () => {
  const { checked, problems } = await rollOut(update, [unhealthy]);
  assert.deepEqual(checked, ["node-a"]);
  assert.match(
    problems[0] ?? "",
    /^node-a: E_FACT apps\.shop\.service\.web: found: shop-web-1 is unhealthy; /,
  );
  assert.match(problems[1] ?? "", /^rollout: E_GATE node-a: .*not started: node-b$/);
});

test("the gate waits for an application that is starting, as after a restart of the engine", async () => {
  const { checked, problems } = await rollOut(engineOf(well), [starting, well]);
  assert.deepEqual(checked, ["node-a", "node-a", "node-b"]);
  assert.deepEqual(problems, []);
});

test("with --target, an unhealthy application stops the rollout although the run does not repair it", async () => {
  const { checked, problems } = await rollOut(engineOf(unhealthy), [unhealthy], withoutApps);
  assert.deepEqual(checked, ["node-a"]);
  assert.match(
    problems[0] ?? "",
    /^node-a: E_FACT apps\.shop\.service\.web: .*; fix: run pulumi up without --target and --exclude/,
  );
  assert.match(problems[1] ?? "", /^rollout: E_GATE node-a: .*not started: node-b$/);
});

test("with --target, an update that the run leaves out stops nothing: the application is healthy in its old version", async () => {
  const { checked, problems } = await rollOut(engineOf(update), [update], withoutApps);
  assert.deepEqual(checked, ["node-a", "node-b"]);
  assert.equal(problems.length, 1);
  assert.match(
    problems[0] ?? "",
    /^node-a: E_FACT apps\.shop\.service\.web: found: .*another configuration; /,
  );
});

test("a host on which the run changes nothing does not stop the others", async () => {
  const { checked, problems } = await rollOut(unhealthy, [unhealthy], () => true);
  assert.deepEqual(checked, ["node-a", "node-b"]);
  assert.match(problems.join("\n"), /^node-a: E_FACT apps\.shop\.service\.web: .*is unhealthy/);
  assert.doesNotMatch(problems.join("\n"), /E_GATE/);
});
