import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { mirroredUrls } from "../../offline-bundle/spec/mirrors.ts";
import { transferText } from "../../cli/output/progress.ts";
import { forwardProxy } from "../support/servers/forward-proxy.ts";
import { type HostileServer, hostileServer, type Behaviour } from "../support/servers/hostile-server.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const content = Buffer.from("a program\n".repeat(1_000));
const sha256 = createHash("sha256").update(content).digest("hex");
const lie = Buffer.from("another program\n");

let site: SourcesUnderTest;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
});
beforeEach(async () => {
  site.warnings.length = 0;
  for (const path of [site.store, site.lockFile]) await rm(path, { recursive: true, force: true });
});

test("a server that fails or sends wrong bytes is reported, and the next one is tried; a file that is present is not requested", async () => {
  const [origin, liar, honest] = [
    await server({ "files/tool": { content } }),
    await server({ "a/tool": { content: lie } }),
    await server({ "b/c/tool": { content } }),
  ];
  try {
    const mirrors = {
      [origin.url("files/").href]: [liar.url("a/").href, honest.url("b/c/").href],
    };
    await site.spec({ files: [program("tool", origin.url("files/tool").href)], mirrors });
    await site.lock();
    await rm(site.store, { recursive: true });
    origin.set("files/tool", { first: Array.from({ length: 9 }, () => ({ status: 503 })) });
    const { files, bytes } = await site.fetch();
    assert.deepEqual([files, bytes], [1, content.length]);
    assert.ok((await readFile(join(site.store, sha256, "tool"))).equals(content));
    assert.deepEqual(
      site.warnings.map(({ where, code }) => `${code} ${where}`),
      [`E_DOWNLOAD ${origin.url("files/tool").href}`, `E_DOWNLOAD_SHA256 ${liar.url("a/tool").href}`],
    );
    const requests = honest.requests.length;
    await site.fetch();
    assert.equal(honest.requests.length, requests);

    await rm(site.store, { recursive: true });
    honest.set("b/c/tool", { content: Buffer.alloc(content.length, 1) });
    const problems = await assertRefused(site.fetch());
    assert.deepEqual(
      problems.map(({ code }) => code),
      ["E_DOWNLOAD", "E_DOWNLOAD_SHA256", "E_DOWNLOAD_SHA256"],
    );
  } finally {
    for (const one of [origin, liar, honest]) one.close();
  }
});

test("mirrors come in the order of their list, after the url itself unless it is in the list", () => {
  const mirrors = {
    "https://a/": ["https://m/a/"],
    "https://a/x/": ["https://n/", "https://a/x/"],
    "oci:docker.io/": ["oci:r.example/hub/"],
  };
  assert.deepEqual(mirroredUrls("https://a/y", mirrors), ["https://a/y", "https://m/a/y"]);
  assert.deepEqual(mirroredUrls("https://a/x/y", mirrors), ["https://n/y", "https://a/x/y"]);
  assert.deepEqual(mirroredUrls("oci:docker.io/library/b:1", mirrors), [
    "oci:docker.io/library/b:1",
    "oci:r.example/hub/library/b:1",
  ]);
  assert.deepEqual(mirroredUrls("https://b/", mirrors), ["https://b/"]);
});

test("the proxy of the environment is used, and left out where it says so", async () => {
  const origin = await server({ tool: { content } });
  const proxy = await forwardProxy({ "files.example:443": origin.port });
  try {
    await site.spec({ files: [program("tool", "https://files.example/tool")] });
    const env = { HTTPS_PROXY: proxy.url };
    const locked = await site.sealift(["lock"], env);
    assert.equal(locked.exitCode, 0, locked.stderr);
    await rm(site.store, { recursive: true });
    const fetched = await site.sealift(["fetch"], env);
    assert.equal(fetched.exitCode, 0, fetched.stderr);
    assert.match(fetched.stdout, /1 files \(10\.0 kB\) and 0 images, all as pinned$/);
    assert.deepEqual(proxy.tunnels, ["files.example:443", "files.example:443"]);

    await site.spec({ files: [program("tool", origin.url("tool").href)] });
    const direct = await site.sealift(["lock"], { ...env, NO_PROXY: "127.0.0.1" });
    assert.equal(direct.exitCode, 0, direct.stderr);
    assert.equal(proxy.tunnels.length, 2);
  } finally {
    proxy.close();
    origin.close();
  }
});

test("a private server gets the login of the docker config file or of its helper, and nobody sees it", async () => {
  const login = `Basic ${Buffer.from("ann:open sesame").toString("base64")}`;
  const origin = await server({ tool: { content, login } });
  const host = `127.0.0.1:${origin.port}`;
  const folder = join(site.folder, "docker");
  await mkdir(folder, { recursive: true });
  const helper = join(folder, "docker-credential-test");
  await writeFile(helper, `#!/bin/sh\nread host\necho "$1 $host" >> "$0.asked"\ncat "$0.answer"\n`);
  await chmod(helper, 0o755);
  const path = process.env["PATH"] ?? "";
  process.env["DOCKER_CONFIG"] = folder;
  process.env["PATH"] = [folder, path].join(delimiter);
  const locking = async (config: object, answer: object = {}): Promise<string> => {
    await rm(site.lockFile, { force: true });
    await rm(site.store, { recursive: true, force: true });
    await writeFile(`${helper}.answer`, JSON.stringify(answer));
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    const words = await site.lock().then(
      () => "locked",
      (error: unknown) => String(error),
    );
    assert.doesNotMatch(words, /sesame|YW5u/);
    return /E_[A-Z]+/.exec(words)?.[0] ?? words;
  };
  try {
    await site.spec({ files: [program("tool", origin.url("tool").href)] });
    const auth = login.replace("Basic ", "");
    const credentials = { Username: "ann", Secret: "open sesame" };
    assert.equal(await locking({}), "E_DOWNLOAD");
    assert.equal(await locking({ auths: { [host]: { auth } } }), "locked");
    assert.equal(await locking({ auths: { [`https://${host}/v1/`]: { auth } } }), "locked");
    assert.equal(await locking({ auths: { "other.example": { auth } } }), "E_DOWNLOAD");
    assert.equal(await locking({ credHelpers: { [host]: "test" } }, credentials), "locked");
    assert.equal(await locking({ auths: { [host]: {} }, credsStore: "test" }, credentials), "locked");
    assert.equal(await locking({ credsStore: "test" }, credentials), "locked");
    assert.equal(await locking({ credsStore: "absent" }), "E_DOWNLOAD");
    assert.equal(await locking({ credHelpers: { [host]: "absent" } }), "E_TOOL");
    assert.equal(await readFile(`${helper}.asked`, "utf8"), `get ${host}\n`.repeat(3));
  } finally {
    process.env["PATH"] = path;
    delete process.env["DOCKER_CONFIG"];
    origin.close();
  }
});

test("everything available is fetched before anything is refused", async () => {
  const origin = await server({ one: { content }, two: { content: lie } });
  try {
    await site.spec({
      files: [program("one", origin.url("one").href), program("two", origin.url("two").href)],
    });
    await site.lock();
    await rm(site.store, { recursive: true });
    origin.set("one", { first: Array.from({ length: 9 }, () => ({ status: 404 })) });
    assert.deepEqual(await codesOf(site.fetch()), ["E_DOWNLOAD"]);
    assert.equal((await readdir(site.store)).filter((name) => /^[0-9a-f]{64}$/.test(name)).length, 1);
    const { exitCode, stderr } = await site.sealift(["fetch"]);
    assert.equal(exitCode, 69, stderr);
    await writeFile(
      site.lockFile,
      (await readFile(site.lockFile, "utf8")).replace(/ {2}- name: two[^]*(?=images)/, ""),
    );
    assert.deepEqual(await codesOf(site.fetch()), ["E_LOCK_STALE"]);
  } finally {
    origin.close();
  }
});

test("progress shows bytes, rate and time left, as far as they are known", () => {
  assert.equal(transferText(50e6, 200e6, 5e6), "25%  50.0 MB of 200.0 MB  5.0 MB/s  30 s left");
  assert.equal(transferText(0, 7.2e9, 1e6), "0%  0 B of 7.2 GB  1.0 MB/s  2 h 0 min left");
  assert.equal(transferText(999, undefined, 0), "999 B");
  assert.equal(transferText(1e6, 76e6, 1e6), "1%  1.0 MB of 76.0 MB  1.0 MB/s  1 min 15 s left");
});

function server(paths: Readonly<Record<string, Behaviour>>): Promise<HostileServer> {
  return hostileServer(paths, site.certificate);
}
