import assert from "node:assert/strict";
import { test } from "node:test";
import { blobDelivery } from "../../modules/core/host/delivery.ts";
import {
  exampleArchive,
  exampleFiles,
  exampleHost,
  examplePhases,
  library,
  exampleSending,
} from "../support/fixtures/example-host.ts";
import { recordResources } from "../support/pulumi/mocks.ts";

const arrives = Promise.withResolvers<undefined>();
const recorded = await recordResources(
  false,
  () => "",
  (name) => (name === "host-abababababab" ? arrives.promise : undefined),
);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { HostResources } = await import("../../modules/rollout/host-resources.ts");

test("while the engine's archive is copied, phases that do not need it run, and the engine phase waits", async () => {
  const phases = examplePhases();
  const spec = { ...exampleHost(), name: "host" };
  const probe = {
    kind: "reached",
    report: { steps: [], revision: { machine: "62ff67b1", journalLines: 0 } },
  } as const;
  const deliveries = [blobDelivery(exampleArchive)];
  const host = new HostResources(
    { spec, files: exampleFiles, deliveries, retainedBlobs: [], seeds: [], phases, probe, warnings: [] },
    { library, bundle: { serial: 7 } },
    { sending: exampleSending },
  );
  host.add("volumes");
  const users = host.add("users");
  const engine = host.add("engine");
  assert.ok(users && engine);
  const commands = (): string[] => recorded.map(({ name }) => name).filter((name) => name.endsWith("-run"));
  await new Promise((done) => users.report.apply(done));
  // Had the engine not to wait for the archive, it would have been asked for by now: nothing else is under way.
  await new Promise(setImmediate);
  assert.deepEqual(commands(), ["host-volumes-run", "host-users-run"]);
  arrives.resolve(undefined);
  await new Promise((done) => engine.report.apply(done));
  assert.deepEqual(commands(), ["host-volumes-run", "host-users-run", "host-engine-run"]);
});
