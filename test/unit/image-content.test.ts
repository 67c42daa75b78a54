/** What an image may name: how many parts, from where, and as what. No registry is asked; the manifests are made here. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOfBytes } from "../../offline-bundle/io/digest.ts";
import { type ImageContent, imageContent } from "../../offline-bundle/fetching/image-content.ts";
import { placeImage } from "../../offline-bundle/fetching/images.ts";
import { type Descriptor, hexOf, NoManifest, parseManifest } from "../../offline-bundle/oci/manifests.ts";
import { timeLimit } from "../../offline-bundle/oci/oras.ts";
import { cachePath } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";

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
const runs = { ...amd64, rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] } };
const config = put(types.config, runs);
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
const found = async (top: Descriptor): Promise<string> =>
  (await assertRefused(content(top))).map((one) => `${one.code} ${one.found}`).join("\n");

test("an index of images is accepted, and a layer of either type", async () => {
  const docker = image({
    layers: [{ ...layer, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", urls: [] }],
  });
  const top = index([
    { ...image(), platform: amd64 },
    { ...docker, platform: { os: "linux", architecture: "arm64" } },
  ]);
  assert.deepEqual((await content(top)).platforms, ["linux/amd64", "linux/arm64"]);
});

test("nested indexes are limited by their number of parts, not by the product", async () => {
  const parts = Array.from({ length: 3_000 }, (_, at) => ({
    ...layer,
    digest: `sha256:${String(at).padStart(64, "0")}`,
  }));
  const shared = index(parts.map((one) => ({ ...one, mediaType: types.manifest })));
  const platforms = Array.from({ length: 3_000 }, (_, at) => ({ os: "linux", architecture: `a${at}` }));
  const product = index(platforms.map((platform) => ({ ...shared, platform })));
  assert.equal(await found(product), "E_IMAGE more than 4000 parts");
  const long = { os: "x".repeat(257), architecture: "amd64" };
  assert.match(
    await found(index([{ ...image(), platform: long }])),
    /^E_IMAGE manifests\[0\]\.platform is too long/,
  );
});

test("a descriptor with URLs is refused like a foreign layer", async () => {
  const urls = ["http://192.0.2.1/layer"];
  const inImage = {
    layers: { layers: [{ ...layer, urls }] },
    config: { config: { ...config, urls } },
    subject: { subject: { ...image(), urls } },
  };
  for (const [where, more] of Object.entries(inImage))
    assert.match(
      await found(image(more)),
      /^E_IMAGE a descriptor with urls \(.*192\.0\.2\.1\/layer\) in/,
      where,
    );
  assert.match(
    await found(index([{ ...image(), platform: amd64, urls }])),
    /^E_IMAGE a descriptor with urls/,
  );
  assert.match(
    await found(image({ layers: [{ ...layer, urls: "http://192.0.2.1" }] })),
    /layers\[0\]\.urls is not a list of strings/,
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
  assert.match(await found(two), /^E_IMAGE two media types of sha256:/);
});

test("an image with other platforms than its lock names is not stored", async (context) => {
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
    const [problem] = await assertRefused(place(...platforms));
    assert.deepEqual(
      [problem?.code, problem?.subject, problem?.found],
      ["E_PIN_MISMATCH", "platforms", "linux/amd64"],
    );
  }
  await place("linux/amd64", "linux/amd64");
});

test("an image whose config counts other layers than its manifest is not stored, also as a part of an index", async () => {
  const none = image({ config: put(types.config, amd64) });
  assert.match(await found(none), /^E_IMAGE 1 layers, and a config with 0 diff_ids \(sha256:/);
  const listed = index([{ ...none, platform: amd64 }]);
  // Over the network the config of a part is not read: the check before the bundle is packed does so.
  assert.deepEqual((await content(listed)).platforms, ["linux/amd64"]);
  const packed = imageContent({ name: "registry.corp/app:1" }, listed.digest, {
    place: "layout",
    manifest: (one) => Promise.resolve(held.get(one)),
    config: (one) => Promise.resolve(held.get(one)),
    length: (one) => Promise.resolve(held.get(one)?.length),
  });
  assert.match((await assertRefused(packed))[0]?.found ?? "", /a config with 0 diff_ids/);
});

test("a time beyond the range of a timer becomes the longest one", (context) => {
  const started = context.mock.method(globalThis, "setTimeout");
  timeLimit(2 ** 40).end();
  assert.equal(started.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
});

test("a key that Go reads and JavaScript does not, or a duplicate key, is refused in manifests, indexes and configs", async () => {
  const parsed = (text: string): string => {
    try {
      parseManifest(Buffer.from(text));
      return "taken";
    } catch (error) {
      assert.ok(error instanceof NoManifest, String(error));
      return error.message;
    }
  };
  const digest = `sha256:${"0".repeat(64)}`;
  const one = `"mediaType": "${types.layer}", "digest": "${digest}", "size": 2`;
  const named = (key: string): string => `a key that parsers read differently (${key})`;
  for (const [text, key] of [
    [`{"layers": [], "Layers": [{${one}}]}`, "Layers"],
    [`{"LAYERS": [{${one}}]}`, "LAYERS"],
    [`{"layerſ": []}`, "layerſ"],
    [`{"\\u004canes": [], "lanes": []}`, "lanes"],
    [`{"layers": [], "layers": [{${one}}]}`, "layers"],
    [`{"layers": [{${one}}, {${one}, "Digest": "x"}]}`, "Digest"],
    [`{"config": {${one}, "data": "", "x": {"y": ["}", {"data": 1}]}, "Data": ""}}`, "Data"],
    [
      `{"manifests": [{${one}, "platform": {"os": "linux", "architecture": "amd64", "OS": "windows"}}]}`,
      "OS",
    ],
  ] as const)
    assert.equal(parsed(text), named(key), text);
  // Labels, annotations and what others have added are maps: a key is another one in another case.
  for (const text of [
    `{"layers": [{${one}, "annotations": {"Layers": "", "layers": "", "a\\"b{": "}"}}], "annotations": {"Maintainer": "", "maintainer": ""}}`,
    `{"layers": [], "x": {"Layers": [], "layers": []}, "history": [{"Size": 1, "size": 1}]}`,
  ])
    assert.equal(parsed(text), "taken");
  const odd = (more: object): Promise<string> =>
    found(image({ config: put(types.config, { ...runs, ...more }) }));
  assert.match(await odd({ OS: "windows" }), /E_IMAGE a config \(sha256:\w{64}\) with a key .* \(OS\)/);
  assert.equal(
    (await content(image({ config: put(types.config, { ...runs, config: { Labels: { OS: "", os: "" } } }) })))
      .platforms[0],
    "linux/amd64",
  );
});
