import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type DownloadOptions, download } from "../../offline-bundle/http/download.ts";
import { backoff, retryAfter, defaultRetryPolicy } from "../../offline-bundle/http/retry-policy.ts";
import { fetchToCache } from "../../offline-bundle/fetching/download-cache.ts";
import { cachePath } from "../lab/cache.ts";
import { type HostileServer, hostileServer, type Behaviour } from "../support/servers/hostile-server.ts";
import { loopbackCertificate, trust } from "../support/servers/loopback-certificate.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import { undoAfter } from "../support/process/undo.ts";

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
const sha256 = createHash("sha256").update(content).digest("hex");
const retryPolicy = { ...defaultRetryPolicy, attempts: 3, backoffMs: 1 };
const progress = (): void => undefined;
const unpinned: DownloadOptions = { progress, pinned: false, retryPolicy };
const pinned: DownloadOptions = { progress, pinned: true, retryPolicy };

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "server-"));
  undo(() => rm(folder, { recursive: true }));
});

test("a busy or broken server is asked again, as late as it requests, and not forever", async () => {
  const busy = [{ status: 429, headers: { "retry-after": "0" } }, { status: 503 }];
  await serving(
    {
      busy: { content, first: busy },
      late: { content, first: [{ status: 429, headers: { "retry-after": "3600" } }] },
      down: { content, first: Array.from({ length: 9 }, () => ({ status: 500 })) },
    },
    async (server) => {
      await download(server.url("busy"), join(folder, "busy"), unpinned);
      assert.ok((await readFile(join(folder, "busy"))).equals(content));
      assert.equal(server.requests.length, 3);
      const [late] = await assertRefused(download(server.url("late"), join(folder, "late"), unpinned));
      assert.match(late?.found ?? "", /429.* 3600 s/);
      const [down] = await assertRefused(download(server.url("down"), join(folder, "down"), unpinned));
      assert.match(down?.found ?? "", /500/);
      assert.equal(server.requests.filter(({ path }) => path === "down").length, 3);
    },
  );
});

test("waits grow, with some randomness, to half a minute; Retry-After is seconds or a date", () => {
  for (const [failures, most] of [
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [50, 30_000],
  ] as const) {
    const wait = backoff(failures, defaultRetryPolicy);
    assert.ok(wait <= most && wait >= most * 0.75, `${failures}: ${wait}`);
  }
  assert.equal(retryAfter("7"), 7_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 45_000), 15_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 45_000), 0);
  assert.equal(retryAfter("soon"), undefined);
});

test("a server that does not answer is reported with the error of the system", async () => {
  const url = new URL(`http://127.0.0.1:${await silentPort()}/file`);
  const [problem] = await assertRefused(download(url, join(folder, "nobody"), unpinned));
  assert.equal(problem?.code, "E_DOWNLOAD");
  assert.match(problem.found, /ECONNREFUSED/);
});

test("a redirect is followed, but from https to https only, and without a login: that of the first host or the next one's own", async () => {
  const config = join(folder, "docker");
  await mkdir(config, { recursive: true });
  const certificate = await loopbackCertificate(config);
  trust(certificate);
  const plain = await hostileServer({ file: { content } });
  const other = await hostileServer({ file: { content } }, certificate);
  const login = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  const server = await hostileServer(
    {
      down: { redirect: plain.url("file?signature=hidden").href },
      over: { redirect: other.url("file").href, login },
      round: { redirect: "/round" },
    },
    certificate,
  );
  const auth = login.replace("Basic ", "");
  const auths = { [`127.0.0.1:${server.port}`]: { auth }, [`127.0.0.1:${other.port}`]: { auth } };
  await writeFile(join(config, "config.json"), JSON.stringify({ auths }));
  process.env["DOCKER_CONFIG"] = config;
  try {
    const [down] = await assertRefused(download(server.url("down"), join(folder, "down"), unpinned));
    assert.match(down?.found ?? "", /^a redirect to http:\/\/127\.0\.0\.1:\d+\/file$/);
    assert.equal(plain.requests.length, 0);
    await download(server.url("over"), join(folder, "redirected"), unpinned);
    assert.ok((await readFile(join(folder, "redirected"))).equals(content));
    assert.equal(server.requests.find(({ path }) => path === "over")?.authorization, login);
    assert.equal(other.requests[0]?.authorization, undefined);
    await download(other.url("file"), join(folder, "asked"), unpinned);
    assert.equal(other.requests.at(-1)?.authorization, login);
    const [round] = await assertRefused(download(server.url("round"), join(folder, "round"), unpinned));
    assert.match(round?.found ?? "", /more than 10 redirects/);
  } finally {
    delete process.env["DOCKER_CONFIG"];
    for (const one of [plain, other, server]) one.close();
  }
});

test("a disk that is too full is reported before a byte is written, if the length is known", async () => {
  await serving({ file: { content } }, async (server) => {
    const expected = { ...pinned, bytes: 2 ** 50 };
    const [known] = await assertRefused(download(server.url("file"), join(folder, "huge"), expected));
    assert.equal(known?.code, "E_NO_SPACE");
    assert.match(known.found, /^\d+ bytes free$/);
    assert.equal(known.expected, "free space for 1125899906842624 more bytes");
  });
});

test("other bytes than the pinned ones are refused and not kept", async () => {
  const store = join(folder, "store");
  const wrong = Buffer.concat([content, Buffer.from("!")]);
  await serving({ "docker.tgz": { content: wrong } }, async (server) => {
    const url = server.url("docker.tgz");
    const [problem] = await assertRefused(fetchToCache(url, store, sha256, progress));
    assert.equal(problem?.code, "E_DOWNLOAD_SHA256");
    assert.ok(problem.found.startsWith(createHash("sha256").update(wrong).digest("hex")));
    server.set("docker.tgz", { content });
    const { path } = await fetchToCache(url, store, sha256, progress);
    assert.ok((await readFile(path)).equals(content));
  });
});

test("what is in the cache is not downloaded again, unless it has changed there", async () => {
  const store = join(folder, "kept");
  await serving({ "docker.tgz": { content } }, async (server) => {
    const file = server.url("docker.tgz");
    const { path } = await fetchToCache(file, store, undefined, progress);
    await fetchToCache(file, store, sha256, progress);
    assert.equal(server.requests.length, 1);
    await writeFile(path, "changed");
    assert.deepEqual(await codesOf(fetchToCache(file, store, sha256, progress)), ["E_DOWNLOAD_SHA256"]);
    await Promise.all([
      fetchToCache(file, store, sha256, progress),
      fetchToCache(file, store, sha256, progress),
    ]);
    assert.equal(server.requests.length, 2);
  });
});

async function serving(
  paths: Readonly<Record<string, Behaviour>>,
  work: (server: HostileServer) => Promise<unknown>,
): Promise<void> {
  const server = await hostileServer(paths);
  try {
    await work(server);
  } finally {
    server.close();
  }
}
