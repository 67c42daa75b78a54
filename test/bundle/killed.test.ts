import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { writeScratchImage } from "../lab/bundle/scratch-image.ts";
import { type AuthRegistry, authRegistry } from "../support/servers/auth-registry.ts";
import { type HostileServer, hostileServer, type Behaviour } from "../support/servers/hostile-server.ts";
import type { Halt } from "../support/process/halt-hook.ts";
import { type Halted, type HaltOptions, startHalted } from "../support/process/halted-process.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const names = ["one", "two", "three"];
const contents = new Map(names.map((name, index) => [name, Buffer.alloc(3_000_000, `${index} ${name} `)]));

let site: SourcesUnderTest;
let server: HostileServer;
let registry: AuthRegistry;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  // Every file takes many requests, so that there is much to be in the middle of.
  const paths = [...contents].map(([name, content]) => [name, { content, cutAfter: 200_000 }]);
  server = await hostileServer(Object.fromEntries(paths) as Record<string, Behaviour>, site.certificate);
  undo(() => {
    server.close();
  });
  registry = await authRegistry(join(site.folder, "registry"), site.certificate);
  undo(() => registry.stop());
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  await writeFile(join(site.folder, "big"), Buffer.alloc(5_000_000, "image "));
  await writeScratchImage(join(site.folder, "big"), "amd64", "big", join(site.folder, "image"));
  const image = `${registry.host}/acme/big:1`;
  await oras(["copy", "--no-tty", "--from-oci-layout"], ["image:big", image], site.folder);
  await site.spec({
    files: names.map((name) => program(name, server.url(name).href)),
    images: [{ name: image }],
  });
});
after(() => {
  delete process.env["DOCKER_CONFIG"];
});

test("a killed lock leaves no file or a complete one; the next run completes it", async () => {
  const { steps } = await undisturbed("lock");
  const places = [0, Math.floor(steps.length / 3), { step: "rename bundle.lock.yaml", time: 1 }];
  for (const before of places) {
    await rm(site.store, { recursive: true, force: true });
    await rm(site.lockFile, { force: true });
    await killed("lock", before);
    await assert.rejects(readFile(site.lockFile), { code: "ENOENT" });
    const { exitCode, stderr } = await site.sealift(["lock"]);
    assert.equal(exitCode, 0, stderr);
    const text = await readFile(site.lockFile, "utf8");
    assert.match(text, /^# Written by[^]*\n {2}- name: three\n[^]*computed-here\n$/);
    const { lock } = await site.lock();
    for (const file of lock.files) assert.equal(file.sha256, sha256Of(file.name), file.name);
  }
});

test("a killed fetch, wherever it was, is resumed to the right bytes", async () => {
  await site.lock();
  await rm(site.store, { recursive: true });
  const { steps } = await undisturbed("fetch");
  const placed = `rename ${relative(site.folder, join(site.store, sha256Of("two"), "two"))}`;
  const images = steps.filter((step) => /^rename .*images/.test(step));
  const [middle, ...others] = [
    Math.floor(steps.length / 3),
    0,
    { step: placed, time: 1 },
    { step: "run oras", time: 1 },
    { step: images[0] ?? "", time: 1 },
  ];
  for (const before of others) {
    await killed("fetch", before);
    await continued();
  }
  await killed("fetch", middle);
  const arrived = await readdir(join(site.store, "arriving"));
  assert.notDeepEqual(arrived, [], "in the middle of a download");
  const requests = server.requests.length;
  await continued();
  const ranges = server.requests
    .slice(requests)
    .map(({ path, range }) => `${path} ${range ?? "from its start"}`);
  assert.match(ranges.join("\n"), /bytes=[1-9]/);
});

test("a fetch killed during an image is resumed to the right bytes", async () => {
  const { proxy } = registry;
  const before = proxy.carried();
  await undisturbed("fetch");
  const held = proxy.hold(Math.floor((proxy.carried() - before) / 2));
  const run = startHalted(sealift, ["bundle", "fetch", ...files()], halt(undefined));
  assert.ok(await Promise.race([held.then(() => true), run.ended.then(() => false)]), "the image was held");
  run.kill();
  await run.ended;
  proxy.cut();
  proxy.release();
  await continued();
});

/** Fetches what is left, and checks all of it; then removes everything. */
async function continued(): Promise<void> {
  const { exitCode, stderr, stdout } = await site.sealift(["fetch"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /3 files \(9\.0 MB\) and 1 images, all as pinned$/);
  for (const name of names)
    assert.equal((await digestOf(join(site.store, sha256Of(name), name))).sha256, sha256Of(name));
  const [image] = await readdir(join(site.store, "images"));
  const blobs = join(site.store, "images", image ?? "", "blobs", "sha256");
  for (const blob of await readdir(blobs)) assert.equal((await digestOf(join(blobs, blob))).sha256, blob);
  await rm(site.store, { recursive: true });
}

const sealift = join(checkout, "cli", "sealift.js");
const files = (): readonly string[] => ["--file", site.bundleFile, "--lock", site.lockFile];

/** Ends a verb and all that it has started, as a power cut would, at this place. */
async function killed(verb: string, before: Halt["before"]): Promise<void> {
  const { killed: met, steps } = await startHalted(sealift, ["bundle", verb, ...files()], halt(before)).ended;
  assert.ok(met, `came to its end before ${JSON.stringify(before)}: ${steps.slice(-20).join("\n")}`);
}

/** From an empty store to its end. */
async function undisturbed(verb: string): Promise<Halted> {
  await rm(site.store, { recursive: true, force: true });
  const run = await startHalted(sealift, ["bundle", verb, ...files()], halt(undefined)).ended;
  assert.equal(run.exitCode, 0);
  await rm(site.store, { recursive: true, force: true });
  return run;
}

function halt(before: Halt["before"]): HaltOptions {
  const env = { SEALIFT_CACHE: join(site.folder, "cache"), NODE_EXTRA_CA_CERTS: site.certificate.certFile };
  return { under: site.folder, without: ["cache/validators"], before, env };
}

function sha256Of(name: string): string {
  return createHash("sha256")
    .update(contents.get(name) ?? "")
    .digest("hex");
}
