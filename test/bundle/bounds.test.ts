/** External input is read up to a limit, whatever length it declares. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { authorization } from "../../offline-bundle/http/docker-config.ts";
import { readInventory } from "../../offline-bundle/archive/delta.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { limits } from "../../offline-bundle/io/limits.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { readPartIndex } from "../../offline-bundle/archive/part-index.ts";
import { keptErrors, runProgram, TooMuchOutput } from "../../modules/core/process.ts";
import { readAcceptedBundles } from "../../offline-bundle/signing/accepted-bundles.ts";
import { readRegular, UnusableFile } from "../../offline-bundle/io/regular-file.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { hostileServer } from "../support/servers/hostile-server.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";

let tiny: TinyBundle;
let site: SourcesUnderTest;
before(async () => {
  tiny = await makeTinyBundle();
  site = await sourcesUnderTest();
});
after(async () => {
  await site.remove();
  await tiny.remove();
});

/** A file of this length that takes no room: nobody gets to read it. */
async function long(path: string, bytes: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "w");
  await file.truncate(bytes);
  await file.close();
}

test("each small file of a bundle has a maximum length, beyond which it is not read", async () => {
  const most = {
    [inside.manifest]: [limits.bundleManifest, "E_BUNDLE_DIGEST"],
    [inside.signature]: [limits.signature, "E_BUNDLE_SIGNATURE"],
    [inside.marker]: [limits.marker, "E_BUNDLE_DIGEST"],
    [inside.index]: [limits.index, "E_BUNDLE_DIGEST"],
    [inside.lock]: [limits.document, "E_BUNDLE_DIGEST"],
  } as const;
  const { allowedSigners } = tiny;
  for (const [name, [bytes, code]] of Object.entries(most)) {
    const copy = await copyOf(tiny);
    await long(join(copy, name), 1024 ** 4);
    const [problem] = await assertRefused(verifyBundle(copy, { allowedSigners }));
    assert.equal(problem?.code, code, name);
    if (code === "E_BUNDLE_DIGEST")
      assert.equal(problem.found, `${1024 ** 4} bytes, more than ${bytes} bytes`);
    await rm(copy, { recursive: true });
  }
});

test("a blob is read no further than its length when the bundle was listed", async () => {
  const { allowedSigners } = tiny;
  const copy = await copyOf(tiny);
  const [file] = (await readLock(tiny.lockFile)).files;
  const path = join(copy, inside.blobs, file?.sha256 ?? "");
  await chmod(path, 0o600);
  const content = await readFile(path);
  let grown = false;
  // It grows while the bundle is read: at the first word of progress.
  const grow = (): void => {
    if (grown) return;
    grown = true;
    execFileSync("truncate", ["-s", String(content.length + 1024 ** 3), path]);
  };
  execFileSync("truncate", ["-s", String(content.length), path]);
  await verifyBundle(copy, { allowedSigners, progress: grow }).catch(() => undefined);
  assert.ok(grown);
  assert.deepEqual(await codesOf(verifyBundle(copy, { allowedSigners })), ["E_BUNDLE_DIGEST"]);
});

test("more signatures than people make are refused before any is checked", async () => {
  const copy = await copyOf(tiny);
  const text = await readFile(join(copy, inside.signature));
  for (let at = 2; at <= limits.signatures + 1; at++)
    await writeFile(join(copy, `sealift.json.${at}.sig`), text);
  const problems = await assertRefused(verifyBundle(copy, { allowedSigners: tiny.allowedSigners }));
  assert.deepEqual(
    problems.map(({ subject, found }) => `${subject} ${found}`),
    [`signatures ${limits.signatures + 1}`],
  );
});

test(
  "lists, locks, key files and logins have a maximum length too, and are never waited for",
  { timeout: 60_000 },
  async () => {
    const path = join(tiny.folder, "list.parts.json");
    const readers: readonly (readonly [string, () => Promise<unknown>, string])[] = [
      ["lock", () => readLock(path), "E_YAML"],
      ["parts", () => readPartIndex(path), "E_BUNDLE_PART"],
      ["inventory", () => readInventory(path), "E_VALUE"],
      ["accepted", () => readAcceptedBundles(path), "E_VALUE"],
      ["signers", () => verifyBundle(tiny.directory, { allowedSigners: path }), "E_BUNDLE_SIGNATURE"],
      [
        "revoked",
        () => verifyBundle(tiny.directory, { allowedSigners: tiny.allowedSigners, revokedKeys: path }),
        "E_BUNDLE_SIGNATURE",
      ],
    ];
    const makes: readonly (() => Promise<unknown>)[] = [
      () => long(path, 1024 ** 4),
      () => Promise.resolve(execFileSync("mkfifo", [path])),
      () => symlink("/dev/zero", path),
    ];
    for (const make of makes) {
      await rm(path, { force: true });
      await make();
      for (const [what, read, code] of readers) assert.deepEqual(await codesOf(read()), [code], what);
    }
  },
);

test("a file that lies about its length is read up to the limit only", async () => {
  // The kernel says 0 of those in /proc, and gives what there is.
  await assert.rejects(readRegular("/proc/self/maps", 16, "follow"), UnusableFile);
  assert.ok((await readRegular("/proc/self/maps", 1024 ** 2, "follow")).length > 16);
});

test("a program that prints without end is stopped", async () => {
  await assert.rejects(runProgram("yes", [], { maxOutput: 1024 }), TooMuchOutput);
  const script = "head -c 10000000 /dev/zero >&2; exit 3";
  const { stderr, exitCode } = await runProgram("sh", ["-c", script]);
  assert.deepEqual([stderr.length, exitCode], [keptErrors, 3]);
});

test("a docker config file of any form ends in a code, or in no login", async () => {
  const folder = join(tiny.folder, "docker");
  const file = join(folder, "config.json");
  await mkdir(folder);
  const before = process.env["DOCKER_CONFIG"];
  process.env["DOCKER_CONFIG"] = folder;
  try {
    for (const text of ["null", "", " \n"]) {
      await writeFile(file, text);
      assert.equal(await authorization("host.example"), undefined, JSON.stringify(text));
    }
    for (const text of ["[]", "7", "{", '"x"']) {
      await writeFile(file, text);
      assert.deepEqual(await codesOf(authorization("host.example")), ["E_VALUE"], text);
    }
    for (const value of [null, [], 7, "x", { "host.example": null }, { "host.example": { auth: 7 } }]) {
      await writeFile(file, JSON.stringify({ auths: value, credHelpers: null, credsStore: 7 }));
      assert.equal(await authorization("host.example"), undefined, JSON.stringify(value));
    }
    for (const more of [
      { auths: { "host.example": { auth: "x\r\nHost: other" } } },
      { credHelpers: { "host.example": "../../evil" } },
      { auths: { "host.example": {} }, credsStore: "a/b" },
    ]) {
      await writeFile(file, JSON.stringify(more));
      assert.deepEqual(await codesOf(authorization("host.example")), ["E_VALUE"], JSON.stringify(more));
    }
    await long(file, 1024 ** 4);
    assert.deepEqual(await codesOf(authorization("host.example")), ["E_VALUE"]);
  } finally {
    if (before === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = before;
  }
});

test("an endless checksum file, and endless headers, are refused", async () => {
  const server = await hostileServer({}, site.certificate);
  try {
    server.set("tool", { content: Buffer.from("a program\n") });
    server.set("sums", { content: Buffer.alloc(limits.checksums + 1, "#\n") });
    await site.spec({
      files: [program("tool", server.url("tool").href, { checksums: server.url("sums").href })],
    });
    const [problem] = await assertRefused(site.lock());
    assert.equal(problem?.code, "E_DOWNLOAD_SHA256");
    assert.match(problem.found, new RegExp(`more than ${limits.checksums} bytes`));
    const headers = Object.fromEntries(
      Array.from({ length: 400 }, (_none, at) => [`x-header-${at}`, "x".repeat(80)]),
    );
    const first = Array.from({ length: 20 }, () => ({ status: 200, headers }));
    server.set("tool", { content: Buffer.from("a program\n"), first });
    await site.spec({ files: [program("tool", server.url("tool").href)] });
    const [other] = await assertRefused(site.lock());
    assert.equal(other?.code, "E_DOWNLOAD");
    assert.match(other.found, /header/i);
  } finally {
    server.close();
  }
});
