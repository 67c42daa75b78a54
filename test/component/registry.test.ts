import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exampleFacts,
  exampleFiles,
  exampleArchive,
  library,
  exampleSending,
} from "../support/example-host.ts";
import { authorityBase64 } from "../support/made-authority.ts";
import { recordResources, type Asked } from "../support/mocks.ts";
import { own, withRegistry } from "../support/registry-site.ts";
import { siteOf } from "../support/site-text.ts";

const asked = await recordResources(false, (name) =>
  name.endsWith("-registry-run")
    ? `ok\tregistry.ca\ta CA\t\nvalue\tregistry.ca\t${authorityBase64}\ndone 62ff67b1 1\n`
    : "",
);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { Host } = await import("../../modules/core/converge.ts");
const { Registry, Seed, settledSeed } = await import("../../modules/registry/index.ts");
const { settledTrust, Trust } = await import("../../modules/trust/index.ts");
const { deliveriesOf, phasesOf, seedsOf } = await import("../../modules/phases.ts");

const blob = { sha256: "a2".repeat(32), bytes: 2, path: "index.ts" };
const content = {
  manifests: [
    { repository: "files/x", tag: "1", mediaType: "t", sha256: "a1".repeat(32), bytes: 1, blobs: [blob] },
  ],
  blobs: [blob],
};
const probe = {
  kind: "reached",
  report: { steps: [], mark: { machine: "62ff67b1", journalLines: 0 } },
} as const;

test("the CA that a registry host reports is in the plans of its clients; only registry hosts are sent the bundle", async () => {
  const [store, client] = siteOf(withRegistry(own)).hosts;
  assert.ok(store && client);
  const facts = { ...exampleFacts, content, mirrors: false, authorities: undefined };
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
  const registry = new Registry(first.host, first.phases.registry, []);
  const sent = first.host.send(seedsOf(store, content), [registry]);
  const seed = new Seed(first.host, first.phases.seed, [registry, ...sent]);
  const settled = settledTrust(client, [registry.authority]);
  const trust = new Trust(second.host, second.phases.trust, [seed], settled);
  await new Promise((done) => trust.report.apply(done));

  const wanted = `registry_authority registry.site:5000 10.20.0.11:${authorityBase64}\n`;
  assert.ok(String(find("node-b-trust-run")["stdin"]).includes(wanted));
  assert.match(String(find("node-b-trust-run")["update"]), /\n# 3 of 3 facts do not hold yet\n$/);
  const copies = asked.filter(({ type }) => type === "command:remote:CopyToRemote");
  assert.deepEqual(copies.map(({ name, inputs }) => `${name} ${String(inputs["remotePath"])}`).toSorted(), [
    `node-a-abababababab .sealift/blobs/${"ab".repeat(32)}`,
    `node-a-library .sealift/${library.sha256}.sh`,
    `node-a-seed-a2a2a2a2a2a2 /registry/arriving/${blob.sha256}`,
    `node-b-library .sealift/${library.sha256}.sh`,
  ]);
});

test("a registry that another one feeds is sent nothing, and has the CA that the other has made in this run", async () => {
  const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }"));
  const [store, fed] = siteOf(two.replaceAll("node-", "store-")).hosts;
  assert.ok(store && fed);
  const facts = { ...exampleFacts, content, mirrors: false, authorities: undefined };
  const [first, second] = [store, fed].map((spec) => {
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
  const { authority } = new Registry(first.host, first.phases.registry, []);
  const sent = second.host.send(seedsOf(fed, content), []);
  assert.deepEqual(sent, []);
  const seed = new Seed(second.host, second.phases.seed, [], settledSeed(second.phases.seed, authority));
  await new Promise((done) => seed.report.apply(done));
  const plan = String(find("store-b-seed-run")["stdin"]);
  assert.ok(plan.includes(`registry_feeder registry.site 5000 ${store.address} ${authorityBase64}\n`));
});

function find(name: string): Asked["inputs"] {
  const one = asked.find((resource) => resource.name === name);
  assert.ok(one, name);
  return one.inputs;
}
