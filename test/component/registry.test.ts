import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exampleFacts,
  exampleFiles,
  exampleArchive,
  library,
  exampleSending,
} from "../support/fixtures/example-host.ts";
import { caBase64 } from "../support/fixtures/test-ca.ts";
import { isServed, type HostSpec } from "../../modules/core/site/site-spec.ts";
import type { CaBundle } from "../../modules/core/site/registry.ts";
import type * as pulumi from "@pulumi/pulumi";
import { recordResources, type RecordedResource } from "../support/pulumi/mocks.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";

const recorded = await recordResources(false, (name) =>
  name.endsWith("-registry-run")
    ? `ok\tregistry.ca\ta CA\t\nvalue\tregistry.ca\t${caBase64}\ndone 62ff67b1 1\n`
    : "",
);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { Host } = await import("../../modules/core/pulumi/converge.ts");
const { PhaseResource } = await import("../../modules/core/pulumi/phase-resource.ts");
const { resolvedCa, resolvedSeed } = await import("../../modules/registry/resolved.ts");
const { resolvedTrust } = await import("../../modules/trust/resolved.ts");
const { deliveriesOf, phasesOf, seedsOf } = await import("../../modules/rollout/phases.ts");

const blob = { sha256: "a2".repeat(32), bytes: 2, path: "index.ts" };
const content = {
  manifests: [
    { repository: "files/x", tag: "1", mediaType: "t", sha256: "a1".repeat(32), bytes: 1, blobs: [blob] },
  ],
  blobs: [blob],
};
const probe = {
  kind: "reached",
  report: { steps: [], revision: { machine: "62ff67b1", journalLines: 0 } },
} as const;

test("the CA that a registry host reports is in the plans of its clients; only registry hosts are sent the bundle", async () => {
  const [store, client] = siteOf(withRegistry(own)).hosts;
  assert.ok(store && client);
  const facts = { ...exampleFacts, content, mirrors: false, caBundles: undefined };
  const [first, second] = [store, client].map((spec) => {
    const files = { ...exampleFiles, ...(spec === store ? { registry: exampleArchive } : {}) };
    const blobs = deliveriesOf(spec, files);
    const host = new Host(spec.name, {
      spec,
      library,
      blobs,
      probe,
      bundle: { serial: 7 },
      sending: exampleSending,
    });
    return { host, phases: phasesOf(spec, files, facts) };
  });
  assert.ok(first?.phases.registry && first.phases.seed && second?.phases.trust);
  const registry = new PhaseResource("sealift:registry:Registry", first.host, first.phases.registry, []);
  const sent = first.host.send(seedsOf(store, content), [registry]);
  const seed = new PhaseResource("sealift:registry:Seed", first.host, first.phases.seed, [registry, ...sent]);
  const resolved = resolvedTrust(client, [caOf(store, registry)]);
  const trust = new PhaseResource("sealift:trust:Trust", second.host, second.phases.trust, [seed], resolved);
  await new Promise((done) => trust.report.apply(done));

  const expected = `trusted_ca registry.site:5000 10.20.0.11:${caBase64}\n`;
  assert.ok(String(find("node-b-trust-run")["stdin"]).includes(expected));
  assert.match(String(find("node-b-trust-run")["update"]), /, 3 of 3 facts do not hold, in run [0-9a-f]{8}$/);
  const copies = recorded.filter(({ type }) => type === "command:remote:CopyToRemote");
  assert.deepEqual(copies.map(({ name, inputs }) => `${name} ${String(inputs["remotePath"])}`).toSorted(), [
    `node-a-abababababab .sealift/blobs/${"ab".repeat(32)}`,
    `node-a-library .sealift/${library.sha256}.sh`,
    `node-a-seed-a2a2a2a2a2a2 /registry/arriving/${blob.sha256}`,
    `node-b-library .sealift/${library.sha256}.sh`,
  ]);
});

test("a registry with an upstream registry is sent nothing, and has the CA that the other created in this run", async () => {
  const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }"));
  const [store, downstream] = siteOf(two.replaceAll("node-", "store-")).hosts;
  assert.ok(store && downstream);
  const facts = { ...exampleFacts, content, mirrors: false, caBundles: undefined };
  const [first, second] = [store, downstream].map((spec) => {
    const files = { ...exampleFiles, registry: exampleArchive };
    const host = new Host(spec.name, {
      spec,
      library,
      blobs: deliveriesOf(spec, files),
      probe,
      bundle: { serial: 7 },
      sending: exampleSending,
    });
    return { host, phases: phasesOf(spec, files, facts) };
  });
  assert.ok(first?.phases.registry && second?.phases.seed);
  const registry = new PhaseResource("sealift:registry:Registry", first.host, first.phases.registry, []);
  const caBundle = caOf(store, registry);
  const sent = second.host.send(seedsOf(downstream, content), []);
  assert.deepEqual(sent, []);
  const seed = new PhaseResource(
    "sealift:registry:Seed",
    second.host,
    second.phases.seed,
    [],
    resolvedSeed(second.phases.seed, caBundle),
  );
  await new Promise((done) => seed.report.apply(done));
  const plan = String(find("store-b-seed-run")["stdin"]);
  assert.ok(plan.includes(`registry_upstream registry.site 5000 ${store.address} ${caBase64}\n`));
});

function caOf(
  spec: HostSpec,
  registry: { readonly report: pulumi.Output<string> },
): pulumi.Output<CaBundle | undefined> {
  assert.ok(isServed(spec));
  return registry.report.apply((report) => resolvedCa(spec, report));
}

function find(name: string): RecordedResource["inputs"] {
  const one = recorded.find((resource) => resource.name === name);
  assert.ok(one, name);
  return one.inputs;
}
