import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImage } from "../../modules/core/host/blob.ts";
import { deliveriesOf, phasesOf, type HostPhases } from "../../modules/rollout/phases.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleFacts, exampleFiles, library } from "../support/fixtures/example-host.ts";
import { external, own, withRegistry } from "../support/fixtures/registry-site.ts";
import { changed, siteOf } from "../support/fixtures/site-text.ts";

const hex = (digits: string): string => digits.repeat(32);
const blob = (digits: string, bytes: number): { sha256: string; bytes: number; path: string } => ({
  sha256: hex(digits),
  bytes,
  path: "index.ts",
});
const index = "application/vnd.oci.image.index.v1+json";
/** Two images that share a layer; the first is an index. */
const images: readonly HostImage[] = [
  {
    name: "docker.io/library/hello:1",
    sha256: hex("a1"),
    content: {
      ...{ mediaType: index, bytes: 300 },
      blobs: [blob("a1", 300), blob("a2", 500), blob("a3", 900), blob("ee", 5_000_000)],
    },
  },
  {
    name: "registry.corp:5000/team/app:2",
    sha256: hex("b1"),
    content: {
      ...{ mediaType: "application/vnd.oci.image.manifest.v1+json", bytes: 400 },
      blobs: [blob("b1", 400), blob("b2", 800), blob("ee", 5_000_000)],
    },
  },
];
const loaded = changed("storage-driver: overlay2", "features: { containerd-snapshotter: true }");

function phases(text: string, some: readonly HostImage[]): HostPhases {
  const host = siteOf(text).hosts.find(({ name }) => name === "node-b");
  assert.ok(host);
  return phasesOf(host, { ...exampleFiles, images: some }, exampleFacts);
}

test("plan texts of a host without a registry: every blob is sent once, and each image is loaded", () => {
  assertSamePlan("images-loaded", "node-b", phases(loaded, images), "delivery", "images");
});

const pulled = images.map(({ name, sha256 }) => ({ name, sha256 }));

test("plan text of a client of the site's registry, with either image store", () => {
  assertSamePlan("images-pulled", "node-b", phases(withRegistry(own), pulled), "images");
  assertSamePlan("images-pulled", "node-b", phases(withRegistry(own, "classic"), pulled), "images");
});

test("plan text of a client of an external registry", () => {
  assertSamePlan("images-external", "node-b", phases(withRegistry(external), pulled), "images");
});

test("a host without images has no such phase, and a host with a registry is sent no blob of an image", () => {
  assert.equal(phases(loaded, []).images, undefined);
  const [host] = siteOf(withRegistry(own)).hosts.filter(({ name }) => name === "node-b");
  assert.ok(host);
  assert.deepEqual(deliveriesOf(host, { ...exampleFiles, images }), []);
});

test("free space is required for every blob that is sent", () => {
  const space = phases(loaded, images).preflight.steps.find(({ code }) => code === "preflight.space");
  const kept = `/var/lib/sealift/blobs/${hex("ee")}`;
  const asked = space?.call.filter((word) => word.endsWith(kept));
  assert.deepEqual(asked, [`5:/var/lib/sealift:${kept}`, `5:.sealift/blobs/${hex("ee")}:${kept}`]);
});

test("every step calls functions of the library, and nothing stops", () => {
  for (const text of [loaded, withRegistry(own)])
    for (const { code, call, effect } of phases(text, images).images?.steps ?? []) {
      assert.ok(code.startsWith("images."), code);
      assert.equal(effect, "none");
      for (const kind of ["check", "apply"])
        assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\)`, "m"));
    }
});
