/** Every kind of content that an image name may refer to: refused by its name when it is pinned, or pushed to a registry and pulled there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { Problem } from "../../modules/core/errors.ts";
import { quote } from "../../modules/core/quote.ts";
import { registryContent } from "../../modules/registry/content.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { openBundle } from "../../offline-bundle/oci/read-bundle.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { library } from "../support/fixtures/example-host.ts";
import { imageServer, type ImageServer, type Served, types } from "../support/servers/image-server.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { type RegistryProcess, startRegistry } from "../support/servers/registry-process.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

let site: SourcesUnderTest;
let from: ImageServer;
let registry: RegistryProcess;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  from = await imageServer();
  undo(() => {
    from.close();
  });
  registry = await startRegistry(join(site.folder, "registry"), { tls: true });
  undo(() => registry.stop());
});

const platformOf = (text: string): object => {
  const [os, architecture] = text.split("/");
  return { platform: { os, architecture } };
};
const on = (platform: string, text: string): object => ({
  ...from.image(platform, text),
  ...platformOf(platform),
});
const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/** What is refused: what stands under the name, and what is said of it. */
const odd: Readonly<
  Record<string, { readonly make: () => Served; readonly code: string; readonly message: RegExp }>
> = {
  chart: {
    make: () => artifact("application/vnd.cncf.helm.config.v1+json", {}),
    code: "E_IMAGE",
    message:
      /found: a Helm chart; expected: a container image; fix: .* url: oci:localhost:\d+\/odd\/chart:1$/,
  },
  artifact: {
    make: () => artifact("application/vnd.oci.empty.v1+json", { artifactType: "application/vnd.acme.model" }),
    code: "E_IMAGE",
    message: /an OCI artifact \(application\/vnd\.acme\.model\)/,
  },
  plugin: {
    make: () => artifact("application/vnd.docker.plugin.v1+json", {}),
    code: "E_IMAGE",
    message: /a Docker plugin/,
  },
  signature: {
    make: () =>
      from.image("linux/amd64", "signature", {
        layers: [from.put("application/vnd.dev.cosign.simplesigning.v1+json", "{}")],
      }),
    code: "E_IMAGE",
    message: /layers of the type application\/vnd\.dev\.cosign\.simplesigning/,
  },
  encrypted: {
    make: () =>
      from.image("linux/amd64", "encrypted", { layers: [from.put(`${types.layer}+encrypted`, "secret")] }),
    code: "E_IMAGE",
    message:
      /layers of the type \S+\+encrypted; expected: layers that engines unpack: .*; fix: have the image built with gzip layers/,
  },
  "more-layers": {
    make: () =>
      from.image("linux/amd64", "more", {
        layers: [from.put(types.layer, "one"), from.put(types.layer, "two")],
      }),
    code: "E_IMAGE",
    message:
      /found: 2 layers, and a config with 1 diff_ids \(sha256:\S+\); expected: one of rootfs\.diff_ids for each layer/,
  },
  "empty-index": { make: () => from.index([]), code: "E_IMAGE", message: /an index that lists no image/ },
  unnamed: {
    make: () => from.index([from.image("linux/amd64", "without a platform")]),
    code: "E_IMAGE",
    message:
      /an index whose entries have no platform; .*; or pin only one part: name: localhost:\d+\/odd\/unnamed:1@sha256:[0-9a-f]{64}$/,
  },
  nested: {
    make: () => from.index([from.index([on("linux/amd64", "nested")])]),
    code: "E_IMAGE",
    message:
      /an index whose entries have no platform; .*; or pin only one part: name: localhost:\d+\/odd\/nested:1@sha256:/,
  },
  "no-platform": {
    make: () => from.image(undefined, "none"),
    code: "E_IMAGE",
    message: /a config without a platform/,
  },
  "odd-platform": {
    make: () => from.image("Linux/x86_64", "odd"),
    code: "E_IMAGE",
    message: /the platform Linux\/x86_64; expected: platforms as OCI writes them, such as linux\/amd64/,
  },
  "arm-only": {
    make: () => from.index([on("linux/arm64", "arm")]),
    code: "E_BUNDLE_PLATFORM",
    message: /found: linux\/arm64; expected: linux\/amd64; fix: choose an image that supports the platform/,
  },
  foreign: {
    make: () =>
      from.index([
        on("linux/amd64", "plain"),
        { ...withForeign("windows/amd64"), ...platformOf("windows/amd64") },
      ]),
    code: "E_IMAGE",
    message:
      /a foreign layer .*; or pin only linux\/amd64: name: localhost:\d+\/odd\/foreign:1@sha256:[0-9a-f]{64}$/,
  },
  "foreign-linux": {
    make: () => withForeign("linux/amd64"),
    code: "E_IMAGE",
    message: /a foreign layer .* the air-gapped side cannot download them from their publisher/,
  },
  sha512: {
    make: () => from.image("linux/amd64", "sha512", { layers: [from.put(types.layer, "long", "sha512")] }),
    code: "E_IMAGE",
    message: /with a sha512 digest in sha256:\S+; expected: sha256 digests only/,
  },
  sparse: {
    make: () => {
      const arm = from.image("linux/arm64", "sparse arm");
      const made = from.index([on("linux/amd64", "sparse"), { ...arm, ...platformOf("linux/arm64") }]);
      from.lose(arm.digest);
      return made;
    },
    code: "E_DOWNLOAD",
    message:
      /found: no manifest sha256:\S+ for linux\/arm64, which the image references; .* pin only linux\/amd64: name: localhost:\d+\/odd\/sparse:1@sha256:/,
  },
  "absent-subject": {
    make: () => {
      const base = from.image("linux/amd64", "gone");
      const made = from.image("linux/amd64", "attached", { subject: base });
      from.lose(base.digest);
      return made;
    },
    code: "E_DOWNLOAD",
    message: /no manifest sha256:\S+, which the image references/,
  },
  "blob-in-index": {
    make: () => from.index([on("linux/amd64", "beside"), from.put("text/plain", "a text")]),
    code: "E_IMAGE",
    message: /an index that lists sha256:\S+ with the type text\/plain/,
  },
  "other-type": {
    make: () => from.index([{ ...on("linux/amd64", "typed"), mediaType: types.index }]),
    code: "E_IMAGE",
    message: /the media type differs from the one in its descriptor/,
  },
  "other-length": {
    make: () => from.index([{ ...on("linux/amd64", "length"), size: 7 }]),
    code: "E_IMAGE",
    message: /found: sha256:\S+ has \d+ bytes; expected: 7/,
  },
  schema1: {
    make: () =>
      from.put("application/vnd.docker.distribution.manifest.v1+prettyjws", {
        schemaVersion: 1,
        name: "odd/schema1",
        fsLayers: [{ blobSum: `sha256:${"0".repeat(64)}` }],
      }),
    code: "E_IMAGE",
    message: /an image manifest of Docker's schema 1/,
  },
  "artifact-manifest": {
    make: () =>
      from.put("application/vnd.oci.artifact.manifest.v1+json", {
        mediaType: "application/vnd.oci.artifact.manifest.v1+json",
        artifactType: "application/vnd.acme.sbom",
        blobs: [],
      }),
    code: "E_IMAGE",
    message: /no config|artifact\.manifest/,
  },
};

function artifact(configType: string, more: object): Served {
  const layer = from.put("application/vnd.acme.content", "the one file of an artifact\n");
  return from.put(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: from.put(configType, {}),
    layers: [layer],
    ...more,
  });
}

function withForeign(platform: string): Served {
  const layer = { ...from.put(foreign, `base of ${platform}`), urls: ["https://elsewhere.example/base"] };
  from.lose(layer.digest);
  return from.image(platform, "foreign", { layers: [layer] });
}

test("what no bundle can carry is refused when it is pinned: each by its name, at its line, all at once", async () => {
  const names = Object.keys(odd);
  for (const [name, { make }] of Object.entries(odd)) from.tag(`odd/${name}`, "1", make());
  await site.spec({ images: names.map((name) => ({ name: imageOf(`odd/${name}`) })) });
  const problems = await assertRefused(site.lock());
  const lines = (await readFile(site.bundleFile, "utf8")).split("\n");
  for (const [name, { code, message }] of Object.entries(odd)) {
    const [problem, ...more] = problems.filter(({ subject }) => subject === imageOf(`odd/${name}`));
    assert.deepEqual([problem?.code, more.length], [code, 0], name);
    assert.match(words(problem), message);
    const line = Number(/:(\d+):\d+$/.exec(problem?.where ?? "")?.[1]);
    assert.match(lines[line - 1] ?? "", new RegExp(`/odd/${name}:1$`));
  }
  assert.equal(problems.length, names.length);
});

test("the alternatives that a refusal names work: one platform by its digest, an artifact as a file, a list of platforms", async () => {
  for (const name of ["foreign", "chart", "arm-only"])
    from.tag(`odd/${name}`, "1", odd[name]?.make() ?? never());
  await site.spec({ images: [{ name: imageOf("odd/foreign") }, { name: imageOf("odd/unnamed") }] });
  const ways = (await assertRefused(site.lock())).map(({ fix }) => /name: (\S+)$/.exec(fix)?.[1] ?? "");
  await site.spec({
    images: [
      ...ways.map((name) => ({ name })),
      { name: imageOf("odd/arm-only"), platforms: ["linux/arm64"] },
    ],
    files: [program("chart", `oci:${imageOf("odd/chart")}`, { kind: "file" })],
  });
  const { lock } = await site.lock();
  assert.deepEqual(
    lock.images.map(({ name, platforms }) => [name, ...platforms]),
    [
      [imageOf("odd/foreign"), "linux/amd64"],
      [imageOf("odd/unnamed"), "linux/amd64"],
      [imageOf("odd/arm-only"), "linux/arm64"],
    ],
  );
  assert.deepEqual(
    lock.images.slice(0, 2).map(({ name, digest }) => `${name}@${digest}`),
    ways,
  );
  // Its tag refers to the whole list, and is not reported as moved.
  assert.equal((await site.lock({ check: true })).changed, false);
  assert.deepEqual((await site.fetch()).images, 3);
});

/** What is carried: what stands under the name. */
const carried: Readonly<Record<string, () => Served>> = {
  plain: () => from.image("linux/amd64", "plain"),
  list: () => from.index([on("linux/amd64", "listed"), on("linux/arm64", "listed too")]),
  "nested-outside": () =>
    from.index([
      { ...from.index([from.image("linux/amd64", "inside")]), ...platformOf("linux/amd64") },
      from.image("linux/amd64", "a part without a platform, beside one that has one"),
    ]),
  "nested-platforms": () =>
    from.index(
      ["linux/amd64", "linux/arm64"].map((platform) => ({
        ...from.index([on(platform, `below ${platform}`)]),
        ...platformOf(platform),
      })),
    ),
  subject: () =>
    from.index([on("linux/amd64", "attached")], { subject: from.image("linux/amd64", "the base") }),
  attested: () => {
    const image = from.image("linux/amd64", "attested");
    const statement = {
      config: from.put(types.config, { os: "unknown", architecture: "unknown" }),
      layers: [from.put("application/vnd.in-toto+json", "{}")],
    };
    const unknown = from.image("unknown/unknown", "", { ...statement, subject: image });
    return from.index([
      { ...image, ...platformOf("linux/amd64") },
      { ...unknown, ...platformOf("unknown/unknown") },
    ]);
  },
  bare: () => from.index([on("linux/amd64", "no media type")], { mediaType: undefined }),
  variants: () =>
    from.index([
      {
        ...from.image("linux/amd64", "twice"),
        platform: { os: "linux", architecture: "amd64", variant: "" },
      },
      on("linux/amd64", "twice"),
      on("windows/amd64", "one build"),
      on("windows/amd64", "another build"),
    ]),
};

test("everything else arrives: built, verified, packed, pushed, stored in a site's registry and pulled there", async () => {
  for (const [name, make] of Object.entries(carried)) from.tag(`fine/${name}`, "1", make());
  await layouts();
  const local = Object.keys(sources).map((name) => ({
    name: `docker.io/apps/${name}:1`,
    from: `file:layouts/${name}`,
  }));
  await site.spec({
    images: [...Object.keys(carried).map((name) => ({ name: imageOf(`fine/${name}`) })), ...local],
  });
  const { lock } = await site.lock();
  const variants = lock.images.find(({ name }) => name === imageOf("fine/variants"));
  assert.deepEqual(variants?.platforms, ["linux/amd64", "windows/amd64"]);
  assert.equal((await site.lock()).changed, false);
  await site.fetch();
  const { file: key, allowedSigners } = await ensureSigningKey(join(site.folder, "key"));
  const directory = join(site.folder, "bundle");
  await buildBundle({ ...site, directory, key });
  await verifyBundle(directory, { allowedSigners });
  const file = join(site.folder, "bundle.tar.zst");
  await packBundle(directory, { file });
  const there = join(site.folder, "there");
  await unpackBundle(file, there, { allowedSigners });

  const access = { allowedSigners, caFile: registry.caFile ?? "" };
  const pushed = await pushBundle(there, `${registry.address}/site`, access);
  assert.equal(pushed.current, 0);
  await pushBundle(there, `${registry.address}/site`, { ...access, check: true });
  await seed(there);
  for (const { name, digest } of lock.images)
    for (const place of [`${registry.address}/site`, registry.address]) {
      const placed = `${place}/${name.replace(/^localhost:/, "localhost_")}`;
      const ca = ["--from-ca-file", registry.caFile ?? ""];
      const to = ["--to-oci-layout-path", join(site.folder, "pulled")];
      await oras(["copy", "--no-tty", ...ca, ...to], [placed, "pulled"], site.folder);
      const resolved = await oras(
        ["resolve", "--oci-layout-path", join(site.folder, "pulled")],
        ["pulled"],
        site.folder,
      );
      assert.equal(resolved, digest, placed);
    }
});

/** Layouts as the programs write them that people have, and what of their names is in index.json. */
const sources: Readonly<Record<string, (name: string) => object>> = {
  oras: (name) => ({ "org.opencontainers.image.ref.name": name }),
  skopeo: () => ({ "org.opencontainers.image.ref.name": "1" }),
  "docker-save": (name) => ({ "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1" }),
  short: (name) => ({ "org.opencontainers.image.ref.name": name.replace("docker.io/", "") }),
  nameless: () => ({}),
};

async function layouts(): Promise<void> {
  for (const [name, annotations] of Object.entries(sources)) {
    const image = from.image("linux/amd64", `from ${name}`);
    const full = `docker.io/apps/${name}:1`;
    await from.layout(join(site.folder, "layouts", name), [{ ...image, annotations: annotations(full) }]);
  }
}

test("a layout with another image, several of the name, a missing blob, or an invalid one is reported", async () => {
  const [one, two] = [from.image("linux/amd64", "one"), from.image("linux/amd64", "two")];
  const folder = (name: string): string => join(site.folder, "layouts", name);
  const named = (name: string): object => ({ annotations: { "org.opencontainers.image.ref.name": name } });
  await from.layout(folder("other"), [
    { ...one, ...named("docker.io/apps/other:1") },
    { ...two, ...named("2") },
  ]);
  await from.layout(folder("several"), [one, two]);
  await from.layout(folder("twice"), [
    { ...one, ...named("1") },
    { ...two, ...named("1") },
  ]);
  await from.layout(folder("lossy"), [one]);
  await cp(folder("lossy"), folder("none"), { recursive: true });
  const { config } = JSON.parse(
    await readFile(join(folder("lossy"), "blobs", one.digest.replace(":", "/")), "utf8"),
  ) as { readonly config: Served };
  await writeFile(join(folder("lossy"), "blobs", config.digest.replace(":", "/")), "cut");
  await writeFile(join(folder("none"), "save.tar"), "a tar");
  await mkdir(folder("empty"));
  const reported = async (place: string): Promise<string> => {
    await site.spec({ images: [{ name: "docker.io/apps/app:1", from: `file:layouts/${place}` }] });
    const problems = await assertRefused(site.lock());
    assert.equal(problems.length, 1, place);
    return words(problems[0]);
  };
  assert.match(
    await reported("other"),
    /^E_DOWNLOAD docker\.io\/apps\/app:1: found: a layout with docker\.io\/apps\/other:1, 2;/,
  );
  assert.match(
    await reported("several"),
    /a layout with an image without a name; .* or select the manifest: <name>:<tag>@sha256:…$/,
  );
  assert.match(await reported("twice"), /found: 2 images of this name/);
  assert.match(
    await reported("lossy"),
    /^E_DOWNLOAD docker\.io\/apps\/app:1: found: 3 bytes of sha256:\S+; expected: \d+ bytes; fix: create the layout again/,
  );
  assert.match(
    await reported("none/save.tar"),
    /^E_VALUE .*: found: file:layouts\/none\/save\.tar: a file; .*; fix: unpack it/,
  );
  assert.match(
    await reported("not-there"),
    /^E_DOWNLOAD .* no such folder; .* correct from: in bundle\.yaml$/,
  );
  assert.match(
    await reported("empty"),
    /^E_VALUE .* the folder has no oci-layout; .* docker save \(Docker 25 or later/,
  );
});

test("a lock with unreadable content is written again, and no pin is replaced without a request", async () => {
  from.tag("fine/plain", "1", from.image("linux/amd64", "plain"));
  from.tag("odd/chart", "1", odd["chart"]?.make() ?? never());
  const [plain, chart] = [imageOf("fine/plain"), imageOf("odd/chart")];
  await site.spec({ images: [{ name: plain }] });
  const { lock } = await site.lock({ update: [plain] });
  const [pin] = lock.images;
  const text = await readFile(site.lockFile, "utf8");
  const poison = `  - name: ${chart}\n    digest: sha256:${"a".repeat(64)}\n    platforms:\n      - /\n    sources:\n      - computed-here\n`;
  await writeFile(site.lockFile, text + poison);
  // It is not requested: it is removed, and the file is written.
  const without = await site.lock();
  assert.deepEqual(
    [without.written, without.lock.images, without.lock.serial],
    [true, [pin], lock.serial + 1],
  );
  assert.deepEqual((await readLock(site.lockFile)).images, [pin]);
  // It is requested: the message names the fault.
  await writeFile(site.lockFile, text + poison);
  await site.spec({ images: [{ name: plain }, { name: chart }] });
  assert.deepEqual(
    (await assertRefused(site.lock({ update: [chart] }))).map(({ code, subject }) => `${code} ${subject}`),
    [`E_IMAGE ${chart}`],
  );
  // An image whose platforms cannot be read keeps its digest.
  await site.spec({ images: [{ name: plain }] });
  for (const platforms of ["[]", '["/"]', "7"]) {
    await writeFile(
      site.lockFile,
      text.replace(/platforms:\n\s+- linux\/amd64\n(?=\s+sources)/, `platforms: ${platforms}\n`),
    );
    const read = await site.lock();
    assert.deepEqual([read.written, read.lock.images], [true, [pin]], platforms);
  }
  // One whose digest cannot be read is pinned again when somebody asks for it, and not before.
  await writeFile(site.lockFile, text.replace(/digest: sha256:/, "digest: sha265:"));
  const [problem] = await assertRefused(site.lock());
  assert.match(problem?.where ?? "", /bundle\.lock\.yaml:\d+:\d+$/);
  assert.match(problem?.fix ?? "", new RegExp(`sealift bundle lock --update ${plain}$`));
  assert.deepEqual((await site.lock({ update: [plain] })).lock.images, [pin]);
  // Twice in the lock, and requested: a person decides which one.
  await writeFile(site.lockFile, text + text.slice(text.indexOf(`  - name: ${plain}`)));
  assert.deepEqual(
    (await assertRefused(site.lock())).map(({ code }) => code),
    ["E_CONFLICT"],
  );
  assert.deepEqual((await site.lock({ update: [plain] })).lock.images, [pin]);
  // Without a serial nobody knows which lock is the newer one.
  await writeFile(site.lockFile, text.replace(/^serial: .*$/m, "serial: many"));
  assert.deepEqual(
    (await assertRefused(site.lock())).map(({ subject }) => subject),
    ["serial"],
  );
});

function imageOf(repository: string): string {
  return `${from.host}/${repository}:1`;
}

function words(problem: Problem | undefined): string {
  const { code, subject, found, expected, fix } = problem ?? never();
  return `${code} ${subject}: found: ${found}; expected: ${expected}; fix: ${fix}`;
}

function never(): never {
  throw new Error("nothing is here");
}

/** Fills the registry as a host's own is filled: by the library's shell, manifest by manifest, in the order of the plan. */
async function seed(directory: string): Promise<void> {
  const mount = join(site.folder, "registry");
  const etc = join(site.folder, "etc");
  await mkdir(join(mount, "arriving"), { recursive: true });
  await mkdir(etc);
  await cp(registry.caFile ?? "", join(etc, "ca.crt"));
  await writeFile(join(etc, "netrc"), "machine localhost login sealift password none\n");
  const { manifests, blobs } = registryContent(await openBundle(directory));
  for (const { sha256, path } of blobs) await cp(path, join(mount, "arriving", sha256));
  const calls = manifests.flatMap(({ repository, tag, mediaType, sha256, bytes, blobs: own }) => {
    const pins = [{ sha256, bytes }, ...own].map((one) => `${one.sha256}:${one.bytes}`);
    const call = [mount, "localhost", String(registry.port), repository, tag, mediaType, ...pins]
      .map(quote)
      .join(" ");
    return [`apply_registry_manifest ${call} || exit 1`, `check_registry_manifest ${call} || exit 1`];
  });
  const places = `as_registry() { shift; "$@"; }\nregistry_bytes() { cat "$1"; }\nREGISTRY_ETC=${etc} REGISTRY_SEEN=${site.folder}/seen SEALIFT_STATE=${site.folder}/state`;
  const child = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => chunks.push(piece));
  child.stdin.end(`${library.text}\n${places}\nset -u\n${calls.join("\n")}\n`);
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0, Buffer.concat(chunks).toString());
}
