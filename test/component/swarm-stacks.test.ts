/** The applications of a swarm come after everything else on all hosts, one manager after the other, and no wave waits for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";
import { recordResources } from "../support/pulumi/mocks.ts";

const recorded = await recordResources(false, () => "");
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { phasesOf } = await import("../../modules/rollout/phases.ts");
const { provisionHosts } = await import("../../modules/rollout/provision-hosts.ts");

const code = "stacks.shop.service.web";

test("managers deploy when all hosts are done, one after the other, and their facts then hold", async () => {
  const plans = ["node-a", "node-b", "node-c"].map((name, at) => {
    const spec: HostSpec = { ...exampleHost(), name, address: `10.20.0.1${at}` };
    const stacks = {
      name: "stacks",
      steps: [{ code, fact: "service web runs", effect: "none", call: ["stack_service", "x"] }],
    } as const;
    const own = phasesOf(spec, exampleFiles, exampleFacts);
    const phases = name === "node-c" ? own : { ...own, stacks };
    // Every fact of the hosts holds, and no service runs.
    const steps = Object.values(phases)
      .flatMap((phase) => phase.steps)
      .map((step) => ({
        ...{ code: step.code, fact: step.fact },
        ...(step.code === code
          ? ({ status: "drift", found: "absent", effect: "none" } as const)
          : ({ status: "ok", found: "" } as const)),
      }));
    const report = { steps, revision: { machine: "62ff67b1", journalLines: 9 } };
    return {
      ...{ spec, phases, files: exampleFiles, deliveries: [], retainedBlobs: [], seeds: [], warnings: [] },
      probe: { kind: "reached", report } as const,
    };
  });
  const { provisioned, problems } = await provisionHosts({
    ...{ bundle: { serial: 7 }, library, lockSha256: "", signers: [], rollout: {}, receipt: undefined },
    ...{ caBundles: [], storeCertificates: new Map(), unreachable: [], hosts: plans, warnings: [] },
  });
  assert.deepEqual(problems, []);
  const runs = recorded.map(({ name }) => name).filter((name) => name.endsWith("-run"));
  assert.deepEqual(runs.slice(-2), ["node-a-stacks-run", "node-b-stacks-run"]);
  assert.ok(runs.includes("node-c-daemon-run"), runs.join());
  assert.deepEqual(
    [...provisioned].map(([name, { tally }]) => [name, tally.failing]),
    ["node-a", "node-b", "node-c"].map((name) => [name, []]),
  );
});
