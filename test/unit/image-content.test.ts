/** What an image may name: how many parts, from where, and as what. No registry is asked; the manifests are made here. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOfBytes } from "../../offline-bundle/digest.ts";
import { type ImageContent, imageContent } from "../../offline-bundle/image-content.ts";
import { placeImage } from "../../offline-bundle/images.ts";
import { type Descriptor, hexOf, NoManifest, parseManifest } from "../../offline-bundle/manifests.ts";
import { timeLimit } from "../../offline-bundle/oras.ts";
import { cachePath } from "../lab/cache.ts";
import { refused } from "../support/refused.ts";

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  list: "application/vnd.docker.distribution.manifest.list.v2+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};
const amd64 = { os: "linux", architecture: "amd64" };

const held = new Map<string, Buffer>();
function put(mediaType: string, value: unknown): Descriptor {
  const body = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${digestOfBytes(body).sha256}`;
  held.set(digest, body);
  return { mediaType, digest, size: body.length };
}
const config = put(types.config, amd64);
const layer = put(types.layer, "layer");
const image = (more: object = {}): Descriptor =>
  put(types.manifest, { schemaVersion: 2, mediaType: types.manifest, config, layers: [layer], ...more });
const index = (manifests: readonly object[], more: object = {}): Descriptor =>
  put(types.index, { schemaVersion: 2, mediaType: types.index, manifests, ...more });

const content = ({ digest }: Descriptor): Promise<ImageContent> =>
  imageContent({ name: "registry.corp/app:1" }, digest, {
    place: "registry.corp/app",
    manifest: (one) => Promise.resolve(held.get(one)),
    config: (one) => Promise.resolve(held.get(one)),
  });
const got = async (top: Descriptor): Promise<string> =>
  (await refused(content(top))).map((one) => `${one.code} ${one.got}`).join("\n");

test("an index of images is taken, and a layer by both of its types", async () => {
  const docker = image({
    layers: [{ ...layer, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", urls: [] }],
  });
  const top = index([
    { ...image(), platform: amd64 },
    { ...docker, platform: { os: "linux", architecture: "arm64" } },
  ]);
  assert.deepEqual((await content(top)).platforms, ["linux/amd64", "linux/arm64"]);
});

test("lists that share what they list are refused at a number of parts, not at their product", async () => {
  const parts = Array.from({ length: 3_000 }, (_, at) => ({
    ...layer,
    digest: `sha256:${String(at).padStart(64, "0")}`,
  }));
  const shared = index(parts.map((one) => ({ ...one, mediaType: types.manifest })));
  const platforms = Array.from({ length: 3_000 }, (_, at) => ({ os: "linux", architecture: `a${at}` }));
  const product = index(platforms.map((platform) => ({ ...shared, platform })));
  assert.equal(await got(product), "E_IMAGE more than 4000 parts");
  const long = { os: "x".repeat(257), architecture: "amd64" };
  assert.match(
    await got(index([{ ...image(), platform: long }])),
    /^E_IMAGE manifests\[0\]\.platform longer/,
  );
});

test("whatever names another address for its bytes is refused as a foreign layer is", async () => {
  const urls = ["http://192.0.2.1/layer"];
  const inImage = {
    layers: { layers: [{ ...layer, urls }] },
    config: { config: { ...config, urls } },
    subject: { subject: { ...image(), urls } },
  };
  for (const [where, more] of Object.entries(inImage))
    assert.match(
      await got(image(more)),
      /^E_IMAGE a descriptor with urls \(.*192\.0\.2\.1\/layer\) in/,
      where,
    );
  assert.match(await got(index([{ ...image(), platform: amd64, urls }])), /^E_IMAGE a descriptor with urls/);
  assert.match(
    await got(image({ layers: [{ ...layer, urls: "http://192.0.2.1" }] })),
    /layers\[0\]\.urls that/,
  );
});

test("nothing is an index by its media type and a manifest by its keys, or the other way round", async () => {
  const manifests = [{ ...image(), platform: amd64 }];
  for (const [mediaType, keys] of [
    [types.index, {}],
    [types.list, { config, layers: [layer] }],
    [types.index, { manifests, config }],
    [types.manifest, { manifests }],
  ] as const) {
    const named = Buffer.from(JSON.stringify(keys));
    assert.throws(() => parseManifest(named, mediaType), NoManifest);
    assert.throws(() => parseManifest(Buffer.from(JSON.stringify({ mediaType, ...keys }))), NoManifest);
  }
  const one = put(types.manifest, { schemaVersion: 2, config, layers: [layer] });
  const two = index([one, { ...one, mediaType: types.list }].map((each) => ({ ...each, platform: amd64 })));
  assert.match(await got(two), /^E_IMAGE two media types of sha256:/);
});

test("an image with other platforms than its lock names is not placed", async (context) => {
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", "image-content-"));
  context.after(() => rm(folder, { recursive: true }));
  const [layout, blobs] = [join(folder, "layout"), join(folder, "blobs")];
  await mkdir(join(layout, "blobs", "sha256"), { recursive: true });
  await mkdir(blobs);
  const top = image();
  for (const { digest } of [top, config, layer])
    await writeFile(join(layout, "blobs", "sha256", hexOf(digest)), held.get(digest) ?? "");
  const place = (...platforms: readonly string[]): Promise<unknown> =>
    placeImage(
      { name: "registry.corp/app:1", digest: top.digest, platforms, sources: [] },
      blobs,
      join(folder, "bundle.yaml"),
      () => Promise.resolve(layout),
    );
  for (const platforms of [["linux/arm64"], ["linux/amd64", "linux/arm64"], []]) {
    const [problem] = await refused(place(...platforms));
    assert.deepEqual([problem?.code, problem?.subject, problem?.got], ["E_PIN", "platforms", "linux/amd64"]);
  }
  await place("linux/amd64", "linux/amd64");
});

test("a time that no timer can hold is the longest that one can", (context) => {
  const started = context.mock.method(globalThis, "setTimeout");
  timeLimit(2 ** 40).end();
  assert.equal(started.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
});
