import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { buildBundle } from "../../offline-bundle/build.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { writeScratchImage } from "../lab/bundle/scratch-image.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { type AuthRegistry, authRegistry } from "../support/servers/auth-registry.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

let site: SourcesUnderTest;
let registry: AuthRegistry;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  registry = await authRegistry(join(site.folder, "registry"), site.certificate);
  undo(() => registry.stop());
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  for (const [tag, text] of [
    ["1", "first\n"],
    ["2", "second\n"],
  ] as const) {
    await writeFile(join(site.folder, "tool"), text);
    await oras(["push", "--no-tty"], [`${registry.host}/acme/tool:${tag}`, "tool:text/plain"], site.folder);
    await writeScratchImage(join(site.folder, "tool"), "amd64", tag, join(site.folder, `image-${tag}`));
    const target = `${registry.host}/acme/hello:${tag}`;
    await oras(["copy", "--no-tty", "--from-oci-layout"], [`image-${tag}:${tag}`, target], site.folder);
  }
  await oras(["push", "--no-tty"], [`${registry.host}/acme/pair:1`, "tool", "key.pem"], site.folder);
  await move("1");
  const tool = program("tool", `oci:${registry.host}/acme/tool:latest`, { kind: "file" });
  await site.spec({ files: [tool], images: [{ name: `${registry.host}/acme/hello:latest` }] });
});
after(() => {
  delete process.env["DOCKER_CONFIG"];
});
afterEach(() => move("1"));

test("a file and an image are pinned by what their tags refer to, and fetched by that", async () => {
  const { lock } = await site.lock();
  const [file] = lock.files;
  assert.equal(file?.sha256, createHash("sha256").update("first\n").digest("hex"));
  assert.equal(file.manifest, await oras(["resolve"], [`${registry.host}/acme/tool:1`], site.folder));
  assert.deepEqual(lock.images[0]?.platforms, ["linux/amd64"]);
  const { files, images } = await site.fetch();
  assert.deepEqual([files, images], [1, 1]);
  assert.equal(await readFile(join(site.store, file.sha256, "tool"), "utf8"), "first\n");
});

test("a tag that has moved is reported with a fix; what is pinned was fetched nevertheless", async () => {
  const { lock } = await site.lock();
  await rm(site.store, { recursive: true, force: true });
  await move("2");
  const problems = await assertRefused(site.fetch());
  assert.deepEqual(
    problems.map(({ code, subject }) => `${code} ${subject}`),
    [`E_TAG_MOVED ${registry.host}/acme/hello:latest`, "E_TAG_MOVED tool 1.0 linux/amd64"],
  );
  assert.match(problems[1]?.fix ?? "", /sealift bundle lock --update tool$/);
  assert.equal(await readFile(join(site.store, lock.files[0]?.sha256 ?? "", "tool"), "utf8"), "first\n");
  assert.deepEqual(await codesOf(site.lock({ check: true })), ["E_TAG_MOVED"]);
  // A lock that is not asked to keeps its pins.
  assert.equal((await site.lock()).changed, false);

  const updated = await site.lock({ update: ["tool", `${registry.host}/acme/hello`] });
  assert.equal(updated.lock.files[0]?.sha256, createHash("sha256").update("second\n").digest("hex"));
  assert.deepEqual(
    updated.differences.map(({ item, what }) => `${item} ${what}`),
    [
      "tool linux/amd64 1.0 sha256",
      "tool linux/amd64 1.0 bytes",
      "tool linux/amd64 1.0 manifest",
      `${registry.host}/acme/hello latest digest`,
    ],
  );
  await site.fetch();
  assert.equal((await site.lock({ check: true })).changed, false);
  await move("1");
  await site.lock({ update: ["tool", `${registry.host}/acme/hello:latest`] });
});

test("after a fetch, a build needs no server, not even the registry", async () => {
  await site.lock();
  await site.fetch();
  await registry.die();
  const { file: key, allowedSigners } = await ensureSigningKey(join(site.folder, "signing"));
  const directory = join(site.folder, "bundle");
  await buildBundle({ ...site, directory, key });
  const bundle = await verifyBundle(directory, { allowedSigners, lockFile: site.lockFile });
  assert.equal(bundle.lock.images.length, 1);
  const again = await site.fetch();
  assert.equal(again.images, 1);
  await registry.startAgain();
});

test("images and artifacts come from mirrors too", async () => {
  await site.lock();
  const text = await readFile(site.bundleFile, "utf8");
  await rm(site.store, { recursive: true });
  // The registry that the names speak of is gone; the bytes are those of the lock wherever they come from.
  const gone = "gone.example";
  for (const path of [site.bundleFile, site.lockFile]) {
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(registry.host, gone));
  }
  await writeFile(
    site.bundleFile,
    `${await readFile(site.bundleFile, "utf8")}mirrors:\n  "oci:${gone}/": ["oci:${registry.host}/"]\n`,
  );
  const { files, images } = await site.fetch();
  assert.deepEqual([files, images], [1, 1]);
  assert.deepEqual([...new Set(site.warnings.map(({ code }) => code))], ["E_DOWNLOAD"]);
  await writeFile(site.bundleFile, text);
  await rm(site.lockFile);
});

test("an artifact of several files is refused, as is one without read permission", async () => {
  const text = await readFile(site.bundleFile, "utf8");
  await site.spec({ files: [program("pair", `oci:${registry.host}/acme/pair:1`)] });
  const [problem] = await assertRefused(site.lock());
  assert.deepEqual([problem?.code, problem?.found], ["E_PIN_MISMATCH", "2 layers"]);
  await writeFile(site.bundleFile, text);
  process.env["DOCKER_CONFIG"] = join(site.folder, "nobody");
  const problems = await assertRefused(site.lock());
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_DOWNLOAD"]);
  assert.match(problems[0]?.found ?? "", /401|unauthorized|basic credential/i);
});

/** Moves `latest` of both. */
async function move(tag: string): Promise<void> {
  for (const name of ["tool", "hello"])
    await oras(["tag"], [`${registry.host}/acme/${name}:${tag}`, "latest"], site.folder);
}
