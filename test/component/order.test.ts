import assert from "node:assert/strict";
import { test } from "node:test";
import { blobDelivery } from "../../modules/core/delivery.ts";
import {
  exampleArchive,
  exampleHost,
  examplePhases,
  library,
  exampleSending,
} from "../support/example-host.ts";
import { recordResources } from "../support/mocks.ts";

const arrives = Promise.withResolvers<undefined>();
const asked = await recordResources(
  false,
  () => "",
  (name) => (name === "host-abababababab" ? arrives.promise : undefined),
);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { Host } = await import("../../modules/core/converge.ts");
const { Engine } = await import("../../modules/engine/index.ts");
const { Users } = await import("../../modules/users/index.ts");
const { Volumes } = await import("../../modules/volumes/index.ts");

test("while the engine's archive travels, phases that need nothing of it run, and the engine waits", async () => {
  const phases = examplePhases();
  const spec = { ...exampleHost(), name: "host" };
  const probe = {
    kind: "reached",
    report: { steps: [], mark: { machine: "62ff67b1", journalLines: 0 } },
  } as const;
  const host = new Host("host", {
    spec,
    library,
    blobs: [blobDelivery(exampleArchive)],
    probe,
    bundle: { serial: 7 },
    sending: exampleSending,
  });
  const users = new Users(host, phases.users, [new Volumes(host, phases.volumes, [])]);
  const engine = new Engine(host, phases.engine, [users]);
  const commands = (): string[] => asked.map(({ name }) => name).filter((name) => name.endsWith("-run"));
  await new Promise((done) => users.report.apply(done));
  // Had the engine not to wait for the archive, it would have been asked for by now: nothing else is under way.
  await new Promise(setImmediate);
  assert.deepEqual(commands(), ["host-volumes-run", "host-users-run"]);
  arrives.resolve(undefined);
  await new Promise((done) => engine.report.apply(done));
  assert.deepEqual(commands(), ["host-volumes-run", "host-users-run", "host-engine-run"]);
});
