import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { checkout } from "../lab/cache.ts";
import { digestOf } from "../../offline-bundle/digest.ts";
import { oras } from "../../offline-bundle/oras.ts";
import { writeScratchImage } from "../lab/scratch-image.ts";
import { type AuthRegistry, authRegistry } from "../support/auth-registry.ts";
import { type HostileServer, hostileServer, type Manners } from "../support/hostile-server.ts";
import { killTree } from "../support/kill-tree.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/sources-under-test.ts";

const kills = 3;
const names = ["one", "two", "three"];
const contents = new Map(names.map((name, index) => [name, Buffer.alloc(3_000_000, `${index} ${name} `)]));

let site: SourcesUnderTest;
let server: HostileServer;
let registry: AuthRegistry;
before(async () => {
  site = await sourcesUnderTest();
  // Every file takes many requests, so that there is much to be in the middle of.
  const paths = [...contents].map(([name, content]) => [name, { content, cutAfter: 200_000 }]);
  server = await hostileServer(Object.fromEntries(paths) as Record<string, Manners>, site.certificate);
  registry = await authRegistry(join(site.folder, "registry"), site.certificate);
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  await writeFile(join(site.folder, "big"), Buffer.alloc(5_000_000, "image "));
  await writeScratchImage(join(site.folder, "big"), "amd64", "big", join(site.folder, "image"));
  const image = `${registry.host}/acme/big:1`;
  await oras(["copy", "--no-tty", "--from-oci-layout"], ["image:big", image], site.folder);
  await site.want({
    files: names.map((name) => program(name, server.url(name).href)),
    images: [{ name: image }],
  });
});
after(async () => {
  delete process.env["DOCKER_CONFIG"];
  server.close();
  await registry.stop();
  await site.remove();
});

test("a lock that is killed leaves none or a whole one; the next run ends it", async () => {
  for (let round = 0; round < kills; round++) {
    await killedIn("lock");
    const text = await readFile(site.lockFile, "utf8").catch(() => undefined);
    if (text !== undefined) assert.match(text, /^# Written by[^]*\n {2}- name: three\n[^]*computed-here\n$/);
    await rm(site.lockFile, { force: true });
  }
  const { exitCode, stderr } = await site.sealift(["lock"]);
  assert.equal(exitCode, 0, stderr);
  const { lock } = await site.lock();
  for (const file of lock.files) assert.equal(file.sha256, sha256Of(file.name), file.name);
});

test("a fetch that is killed, wherever it is, is continued to the right bytes", async () => {
  await site.lock();
  await rm(site.store, { recursive: true });
  let arrived = 0;
  for (let round = 0; round < kills; round++) {
    await killedIn("fetch");
    arrived += (await readdir(join(site.store, "arriving")).catch(() => [])).length;
  }
  assert.ok(arrived > 0, "no kill met a download");
  const { exitCode, stderr, stdout } = await site.sealift(["fetch"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /3 files \(9\.0 MB\) and 1 images, all as pinned$/);
  for (const name of names)
    assert.equal((await digestOf(join(site.store, sha256Of(name), name))).sha256, sha256Of(name));
  const [image] = await readdir(join(site.store, "images"));
  const blobs = join(site.store, "images", image ?? "", "blobs", "sha256");
  for (const blob of await readdir(blobs)) assert.equal((await digestOf(join(blobs, blob))).sha256, blob);
});

/** Runs a verb, and ends it and its children as a power cut would: after some request, some milliseconds later. */
async function killedIn(verb: string): Promise<void> {
  const files = ["--file", site.bundleFile, "--lock", site.lockFile];
  const child = spawn(process.execPath, [join(checkout, "cli", "sealift.js"), "bundle", verb, ...files], {
    stdio: "ignore",
    env: {
      ...process.env,
      SEALIFT_CACHE: join(site.folder, "cache"),
      NODE_EXTRA_CA_CERTS: site.certificate.certFile,
    },
  });
  const ended = once(child, "exit");
  const enough = server.requests.length + 1 + Math.floor(Math.random() * 40);
  while (server.requests.length < enough && child.exitCode === null) await sleep(2);
  await sleep(Math.random() * 30);
  killTree(child.pid ?? 0);
  await ended;
}

function sha256Of(name: string): string {
  return createHash("sha256")
    .update(contents.get(name) ?? "")
    .digest("hex");
}
