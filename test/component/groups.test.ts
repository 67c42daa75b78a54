/** A site with more hosts than one group: how many of them Pulumi is asked for at a time. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { exampleFiles, exampleHost, examplePhases, library } from "../support/fixtures/example-host.ts";
import { recordResources } from "../support/pulumi/mocks.ts";
import type { StepStatus } from "../../modules/core/host/report.ts";
import type { HostPlan, SitePlan } from "../../modules/rollout/plan-site.ts";

/** Hosts of a group; 72 hosts are two of them and a part of a third. */
const most = 32;
const names = Array.from({ length: 72 }, (_, index) => `node-${String(index + 1).padStart(3, "0")}`);

const phases = examplePhases();

function hostWhere(name: string, status: StepStatus): HostPlan {
  const steps = Object.values(phases)
    .flatMap((phase) => phase.steps)
    .map(({ code, fact }) => ({ status, code, fact, found: status === "ok" ? "" : "absent" }));
  return {
    ...{ spec: { ...exampleHost(), name }, files: exampleFiles, phases },
    ...{ deliveries: [], retainedBlobs: [], seeds: [], warnings: [] },
    probe: { kind: "reached", report: { steps, revision: { machine: "62ff67b1", journalLines: 9 } } },
  };
}

const site: Omit<SitePlan, "hosts"> = {
  ...{ bundle: { serial: 7 }, library, lockSha256: "", signers: [], rollout: {}, receipt: undefined },
  ...{ caBundles: [], storeCertificates: new Map(), unreachable: [], warnings: [] },
};

interface Recorded {
  /** In the order in which Pulumi was asked for them. */
  readonly hosts: readonly string[];
  /** The most hosts that were being registered at the same time. */
  readonly together: number;
  readonly resources: number;
  readonly problems: readonly unknown[];
}

/** @param failing the name of a resource that cannot be registered. */
async function run(preview: boolean, status: StepStatus, failing?: string): Promise<Recorded> {
  const under = new Set<string>();
  let together = 0;
  const recorded = await recordResources(
    preview,
    () => (preview ? undefined : ""),
    async (name) => {
      const host = name.slice(0, "node-000".length);
      under.add(host);
      together = Math.max(together, under.size);
      await new Promise(setImmediate);
      if (name === failing) under.delete(host);
      if (name === failing) throw new Error("no such machine");
      if (name.endsWith("-daemon-run")) under.delete(host);
    },
  );
  // Imported after the mocks are in place, as Pulumi's testing guide asks.
  const { provisionHosts } = await import("../../modules/rollout/provision-hosts.ts");
  const { endOf } = await import("../../modules/core/pulumi/known-output.ts");
  const hosts = names.map((name) => hostWhere(name, status));
  const { provisioned, problems } = await provisionHosts({ ...site, hosts });
  assert.deepEqual([...provisioned.keys()], names);
  const lasts = [...provisioned.values()].flatMap(({ last }) => (last === undefined ? [] : [last]));
  await Promise.all(lasts.map(({ report }) => endOf(report)));
  return {
    hosts: recorded.filter(({ type }) => type === "sealift:core:Host").map(({ name }) => name),
    together,
    resources: recorded.length,
    problems,
  };
}

/** Of a host without a registry. */
const commands = (["volumes", "users", "engine", "daemon"] as const).map(
  (name) => [name, phases[name].steps.length] as const,
);
/** Host, library, and two for each phase. */
const each = 2 + 2 * commands.length;

for (const preview of [false, true])
  test(`${preview ? "a preview" : "an update"} of hosts without changes registers them all, in the order of the site, a group at a time`, async () => {
    const { hosts, together, resources, problems } = await run(preview, "ok");
    assert.deepEqual(hosts, names);
    assert.equal(resources, names.length * each);
    assert.ok(together <= most, `${together} hosts at a time`);
    assert.ok(together > most / 2, `only ${together} hosts at a time`);
    assert.deepEqual(problems, []);
  });

test("a preview shows the findings of every host, in the order of the site, although none of its outputs is known", async () => {
  const info = mock.method(pulumi.log, "info", () => Promise.resolve());
  const { hosts, together } = await run(true, "drift");
  info.mock.restore();
  assert.deepEqual(hosts, names);
  assert.ok(together <= most, `${together} hosts at a time`);
  const shown = info.mock.calls.map(({ arguments: [text, resource] }) => {
    const lines = String(text).split("\n").length;
    return `${(resource as unknown as { __name: string }).__name} ${lines}`;
  });
  assert.deepEqual(
    shown,
    names.flatMap((name) => commands.map(([phase, lines]) => `${name}-${phase}-run ${lines}`)),
  );
});

test("a resource that cannot be registered ends no group early, and its error is not lost", async () => {
  const listeners = process.listeners("unhandledRejection");
  const uncaught: unknown[] = [];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => uncaught.push(error));
  const { hosts, together } = await run(false, "ok", "node-007-volumes-run");
  await new Promise(setImmediate);
  process.removeAllListeners("unhandledRejection");
  for (const listener of listeners) process.on("unhandledRejection", listener);
  assert.deepEqual(hosts, names);
  assert.ok(together <= most, `${together} hosts at a time`);
  assert.match(uncaught.map(String).join("\n"), /node-007-volumes-run .*: no such machine/);
});
