import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleArchive, exampleFacts, exampleFiles, library } from "../support/fixtures/example-host.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";
import { recordResources } from "../support/pulumi/mocks.ts";

const recorded = await recordResources(false);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { phasesOf } = await import("../../modules/rollout/phases.ts");
const { provisionHosts } = await import("../../modules/rollout/provision-hosts.ts");

/** The state of every stack has these: with another name or token Pulumi would delete and create what is on hosts. */
test("names and type tokens of all resources of a site are those of existing stacks", async () => {
  const hosts = siteOf(withRegistry(own)).hosts.map((spec) => {
    const files = { ...exampleFiles, ...(spec.name === "node-a" ? { registry: exampleArchive } : {}) };
    const phases = phasesOf(spec, files, { ...exampleFacts, caBundles: undefined });
    // Every fact holds, so that nobody asks the host after the run.
    const steps = Object.values(phases)
      .flatMap((phase) => phase.steps)
      .map(({ code, fact }) => ({ status: "ok", code, fact, found: "" }) as const);
    const report = { steps, revision: { machine: "62ff67b1", journalLines: 9 } };
    return {
      ...{ spec, files, deliveries: [], retainedBlobs: [], seeds: [], warnings: [], phases },
      probe: { kind: "reached", report } as const,
    };
  });
  const { provisioned: begun, problems } = await provisionHosts({
    ...{ bundle: { serial: 7 }, library, lockSha256: "", signers: [], rollout: {}, receipt: undefined },
    ...{ caBundles: undefined, storeCertificates: new Map(), unreachable: [], hosts, warnings: [] },
  });
  assert.deepEqual(problems, []);
  await Promise.all([...begun.values()].map(({ last }) => new Promise((done) => last?.report.apply(done))));
  const phasesOfHost = (host: string, phases: Readonly<Record<string, string>>): string[] => [
    `sealift:core:Host ${host}`,
    `command:remote:CopyToRemote ${host}-library`,
    ...Object.entries(phases).flatMap(([name, token]) => [
      `sealift:${token} ${host}-${name}`,
      `command:remote:Command ${host}-${name}-run`,
    ]),
  ];
  const everyHost = {
    volumes: "volumes:Volumes",
    users: "users:Users",
    trust: "trust:Trust",
    engine: "engine:Engine",
    daemon: "daemon:Daemon",
  };
  assert.deepEqual(
    recorded.map(({ type, name }) => `${type} ${name}`).toSorted(),
    [
      ...phasesOfHost("node-a", { ...everyHost, registry: "registry:Registry", seed: "registry:Seed" }),
      ...phasesOfHost("node-b", everyHost),
    ].toSorted(),
  );
});
