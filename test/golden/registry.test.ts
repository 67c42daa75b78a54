import assert from "node:assert/strict";
import { test } from "node:test";
import { phasesOf, withoutCaBundles, type HostPhases } from "../../modules/rollout/phases.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleArchive, exampleFacts, exampleFiles, library } from "../support/fixtures/example-host.ts";
import { external, own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";

const hex = (digits: string): string => digits.repeat(32);
const registry = {
  ...exampleArchive,
  version: "3.1.2",
  sha256: hex("12"),
  members: [
    { path: "LICENSE", sha256: hex("34") },
    { path: "registry", sha256: hex("56") },
  ],
};
const content = {
  manifests: [
    {
      repository: "files/docker",
      tag: "28.5.2-linux-amd64",
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      sha256: hex("a1"),
      bytes: 300,
      blobs: [
        { sha256: hex("a2"), bytes: 2 },
        { sha256: hex("ab"), bytes: 80_000_000 },
      ],
    },
    {
      repository: "docker.io/library/hello",
      tag: "1",
      mediaType: "application/vnd.oci.image.index.v1+json",
      sha256: hex("b1"),
      bytes: 500,
      blobs: [],
    },
  ],
  blobs: [{ sha256: hex("a2"), bytes: 2, path: "index.ts" }],
};

/** The phases of one host of the example with a registry; node-a runs it. */
function phases(name: string, text: string, mirrors: boolean, made?: readonly string[]): HostPhases {
  const addresses = ["10.20.0.11", "10.20.0.12"];
  const caBundles = made?.map((one, at) => ({ address: addresses[at] ?? "", certificates: [one] }));
  const host = siteOf(text).hosts.find((one) => one.name === name);
  assert.ok(host);
  const files = { ...exampleFiles, ...(host.registry?.serves === undefined ? {} : { registry }) };
  return phasesOf(host, files, { ...exampleFacts, content, mirrors, caBundles });
}

test("plan texts of a host that runs the registry, in a site with the classic store", () => {
  const found = phases("node-a", withRegistry(own, "classic"), true, ["MIIB"]);
  assertSamePlan("registry-host", "node-a", found, "delivery", "registry", "seed", "trust", "engine");
});

test("plan text of a registry whose writer is open to two networks", () => {
  const open = withRegistry(`${own}\nwriterNetworks: [10.20.0.0/16, "fd00:20::/32"]`);
  assertSamePlan("registry-open", "node-a", phases("node-a", open, false, ["MIIB"]), "registry");
});

test("plan text of a registry with an upstream registry", () => {
  const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }"));
  assertSamePlan(
    "registry-fed",
    "node-a",
    phases("node-b", two, false, ["MIIBfirst", "MIIBsecond"]),
    "delivery",
    "seed",
  );
});

test("plan texts of a client: only the library is sent to it", () => {
  const found = phases("node-b", withRegistry(own), false, ["MIIB"]);
  assertSamePlan("registry-client", "node-a", found, "delivery", "trust", "engine");
});

test("before the registry has created its CA, its clients have the same facts, with an unknown CA", () => {
  const found = phases("node-b", withRegistry(own), false);
  const known = phases("node-b", withRegistry(own), false, ["MIIB"]);
  const codes = (all: HostPhases): string[] => (all.trust?.steps ?? []).map(({ code }) => code);
  assert.deepEqual(codes(found), codes(known));
  const call = found.trust?.steps.find(({ code }) => code === "trust.ca")?.call;
  assert.deepEqual(call, ["trusted_ca", "registry.site:5000", "unknown"]);
});

test("facts that wait for a CA that does not exist yet are not checked between two waves", () => {
  const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }"));
  const found = phases("node-b", two, false);
  const asked = Object.values(withoutCaBundles(found)).flatMap(({ steps }) => steps);
  assert.ok(Object.values(found).some(({ steps }) => steps.some(({ call }) => call.includes("unknown"))));
  assert.deepEqual(
    asked.filter(({ call }) => call.includes("unknown")),
    [],
  );
  assert.ok(asked.some(({ code }) => code === "seed.bundle"));
});

test("plan texts of a client of an external registry", () => {
  const found = phases("node-b", withRegistry(external), false, []);
  assertSamePlan("registry-external", "node-a", found, "trust", "engine");
});

test("every step calls functions of the library, with codes of its phase", () => {
  const found = phases("node-a", withRegistry(own), true, ["MIIB"]);
  for (const phase of [found.registry, found.seed, found.trust, found.engine]) {
    assert.ok(phase);
    for (const { code, call } of phase.steps) {
      assert.ok(code.startsWith(`${phase.name}.`), code);
      for (const kind of ["check", "apply"])
        assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\)`, "m"));
    }
  }
});
