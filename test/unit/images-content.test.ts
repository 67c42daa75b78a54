/** Which blobs of an image a host without a registry is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tree } from "../../offline-bundle/oci/check-layout.ts";
import type { Descriptor, Manifest } from "../../offline-bundle/oci/manifests.ts";
import { withImageContent } from "../../modules/images/from-bundle.ts";
import { exampleFiles, exampleHost } from "../support/fixtures/example-host.ts";

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;
const named = new Map<string, { descriptor: Descriptor; owner: string }>();
const manifests = new Map<string, { manifest: Manifest; text: Buffer }>();

/** A blob named by a letter and its size. */
function put(letter: string, size: number, kind: keyof typeof types, manifest?: Manifest): Descriptor {
  const hex = letter.repeat(64);
  const descriptor = { mediaType: types[kind], digest: `sha256:${hex}`, size };
  named.set(hex, { descriptor, owner: "hello" });
  if (manifest !== undefined) manifests.set(hex, { manifest, text: Buffer.from("") });
  return descriptor;
}

const layer = put("1", 1000, "layer");
const config = put("2", 20, "config");
const on = (one: Descriptor, architecture: string, os = "linux"): Descriptor => ({
  ...one,
  platform: { os, architecture },
});
const amd64 = put("3", 30, "manifest", { config, layers: [layer] });
const arm64 = put("4", 40, "manifest", { config: put("5", 50, "config"), layers: [put("6", 60, "layer")] });
const attestation = put("7", 70, "manifest", { config: put("8", 80, "config"), layers: [] });
put("9", 90, "index", {
  manifests: [
    on(amd64, "amd64"),
    on(arm64, "arm64"),
    on(arm64, "amd64", "windows"),
    on(attestation, "unknown", "unknown"),
  ],
});
const tree = { named, manifests } as unknown as Tree;
const bundle = { tree, blobPath: (sha256: string): string => `blobs/${sha256}` };
const files = (letter: string): Parameters<typeof withImageContent>[0] => ({
  ...exampleFiles,
  images: [{ name: "docker.io/library/hello:1", sha256: letter.repeat(64) }],
});

function sent(letter: string, architecture: "amd64" | "arm64" = "amd64"): readonly string[] {
  const { images } = withImageContent(files(letter), { ...exampleHost(), architecture }, bundle);
  return (images?.[0]?.content?.blobs ?? []).map(
    ({ sha256, bytes, path }) => `${sha256.slice(0, 1)} ${bytes} ${path.slice(0, 7)}`,
  );
}

test("a manifest is sent with its config and layers", () => {
  assert.deepEqual(sent("3"), ["3 30 blobs/3", "2 20 blobs/2", "1 1000 blobs/1"]);
});

test("of an index a host is sent only its own platform, and no attestation", () => {
  assert.deepEqual(sent("9"), ["9 90 blobs/9", "3 30 blobs/3", "2 20 blobs/2", "1 1000 blobs/1"]);
  assert.deepEqual(sent("9", "arm64"), ["9 90 blobs/9", "4 40 blobs/4", "5 50 blobs/5", "6 60 blobs/6"]);
});

test("the descriptor of what is loaded is that of the index", () => {
  const { images } = withImageContent(files("9"), exampleHost(), bundle);
  assert.equal(images?.[0]?.content?.mediaType, types.index);
  assert.equal(images[0].content.bytes, 90);
});

test("images of other versions get their content too: what of it is on the host need not be sent again", () => {
  const { otherImages } = withImageContent(
    { ...exampleFiles, otherImages: files("3").images ?? [] },
    exampleHost(),
    bundle,
  );
  assert.deepEqual(
    otherImages?.[0]?.content?.blobs.map(({ sha256 }) => sha256.slice(0, 1)),
    ["3", "2", "1"],
  );
});
