import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type DownloadOptions, download } from "../../offline-bundle/download.ts";
import { backoff, retryAfter, usualPatience } from "../../offline-bundle/patience.ts";
import { obtain } from "../../offline-bundle/store.ts";
import { cachePath } from "../lab/cache.ts";
import { type HostileServer, hostileServer, type Manners } from "../support/hostile-server.ts";
import { loopbackCertificate, trust } from "../support/loopback-certificate.ts";
import { codesOf, refused } from "../support/refused.ts";

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
const sha256 = createHash("sha256").update(content).digest("hex");
const patience = { ...usualPatience, attempts: 3, backoffMs: 1 };
const progress = (): void => undefined;
const unpinned: DownloadOptions = { progress, pinned: false, patience };
const pinned: DownloadOptions = { progress, pinned: true, patience };

let folder: string;
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "download-"));
});
after(() => rm(folder, { recursive: true }));

test("a connection that breaks is continued where it broke, if the file is still the same", async () => {
  await serving({ file: { content, cutAfter: 40_000 } }, async (server) => {
    await download(server.url("file"), join(folder, "broken"), unpinned);
    const [first, ...more] = server.requests;
    assert.equal(first?.range, undefined);
    assert.ok(more.length >= 2);
    for (const { range, ifRange } of more) {
      assert.match(range ?? "", /^bytes=[1-9]\d*-$/);
      assert.match(ifRange ?? "", /^"100000-/);
    }
  });
  assert.deepEqual(await readFile(join(folder, "broken")), content);
  assert.equal(existsSync(join(folder, "broken.part.of")), false);
});

test("a file that changes between two requests comes from one of them", async () => {
  const next = Buffer.from(content.toReversed());
  const both = (request: number): Buffer => (request === 0 ? content : next);
  const target = join(folder, "changed");
  // Cut once only: the second file has to come whole.
  await serving({ file: { content: both, first: [], cutAfter: 60_000 } }, async (server) => {
    const work = download(server.url("file"), target, unpinned);
    await untilRequests(server, 1);
    server.set("file", { content: next });
    await work;
  });
  assert.deepEqual(await readFile(target), next);
});

test("without anything that tells two files apart, an unpinned download is never pieced together", async () => {
  const target = join(folder, "no-etag");
  await serving({ file: { content, etag: "none", cutAfter: 40_000 } }, async (server) => {
    const [problem] = await refused(download(server.url("file"), target, unpinned));
    assert.match(problem?.got ?? "", /./);
    assert.deepEqual([...new Set(server.requests.map(({ range }) => range))], [undefined]);
    // With a pin the bytes speak for themselves.
    await download(server.url("file"), target, pinned);
  });
  assert.deepEqual(await readFile(target), content);
});

test("pieces of two files are told by the pin, and fetched again as one", async () => {
  const store = join(folder, "seam");
  await serving(
    { file: { content: Buffer.alloc(100_000, 1), etag: "none", cutAfter: 50_000 } },
    async (server) => {
      const work = obtain(server.url("file"), store, sha256, progress, { patience });
      await untilRequests(server, 1);
      server.set("file", { content, etag: "none" });
      const { path } = await work;
      assert.deepEqual(await readFile(path), content);
      assert.ok(server.requests.some(({ range }) => range !== undefined));
    },
  );
});

test("a server that knows no ranges, or whose file is shorter than what is here, starts it over", async () => {
  const target = join(folder, "over");
  await writeFile(`${target}.part`, Buffer.alloc(200_000));
  await serving({ file: { content } }, async (server) => {
    await download(server.url("file"), target, pinned);
    assert.deepEqual(await readFile(target), content);
    await writeFile(`${target}.part`, "something else");
    server.set("file", { content, noRanges: true });
    await download(server.url("file"), target, pinned);
    assert.deepEqual(await readFile(target), content);
    await writeFile(`${target}.part`, content.subarray(0, 10));
    server.set("file", { content, shiftRange: 7 });
    await download(server.url("file"), target, pinned);
  });
  assert.deepEqual(await readFile(target), content);
});

test("a part that is all there already is taken as it is", async () => {
  const target = join(folder, "all");
  await writeFile(`${target}.part`, content);
  await serving({ file: { content } }, async (server) => {
    await download(server.url("file"), target, { ...pinned, bytes: content.length });
    assert.equal(server.requests.length, 1);
  });
  assert.deepEqual(await readFile(target), content);
});

test("a length that is announced wrongly is no way to pass a wrong file, and none to spoil a right one", async () => {
  const bytes = content.length;
  await serving(
    { more: { content, announce: 150_000 }, less: { content, announce: 60_000 } },
    async (server) => {
      const target = join(folder, "lies");
      await download(server.url("more"), target, { ...pinned, bytes });
      assert.deepEqual(await readFile(target), content);
      // The server itself says, in the end, that this is all.
      await download(server.url("more"), join(folder, "more"), unpinned);
      assert.deepEqual(await readFile(join(folder, "more")), content);
      // What was cut is asked for again, and comes.
      await download(server.url("less"), join(folder, "less"), { ...pinned, bytes });
      assert.deepEqual(await readFile(join(folder, "less")), content);
    },
  );
  await serving({ long: { content: Buffer.alloc(200_000) }, short: { content } }, async (server) => {
    const long = download(server.url("long"), join(folder, "long"), { ...pinned, bytes });
    const [tooLong] = await refused(long);
    assert.deepEqual([tooLong?.code, tooLong?.got], ["E_DOWNLOAD_SHA256", "more than 100000 bytes"]);
    assert.equal(existsSync(join(folder, "long.part")), false);
    const short = download(server.url("short"), join(folder, "short"), { ...pinned, bytes: 100_001 });
    assert.equal((await refused(short))[0]?.got, "a file of 100000 bytes");
  });
});

test("a connection that breaks every time without a new byte ends in one problem", async () => {
  await serving({ file: { content, cutAfter: 0 } }, async (server) => {
    const [problem] = await refused(download(server.url("file"), join(folder, "never"), unpinned));
    assert.equal(problem?.code, "E_DOWNLOAD");
    assert.equal(problem.where, server.url("file").href);
    assert.equal(server.requests.length, 3);
  });
  assert.equal(existsSync(join(folder, "never")), false);
});

test("a server that stalls or crawls counts as broken", async () => {
  const quick = { ...patience, stallMs: 100, leastBytes: 1_000 };
  await serving(
    { stalls: { content, stallAfter: 50_000 }, crawls: { content, trickleMs: 1 } },
    async (server) => {
      const target = join(folder, "stalls");
      await download(server.url("stalls"), target, { ...pinned, patience: quick });
      assert.deepEqual(await readFile(target), content);
      assert.equal(server.requests.length, 2);
      const crawl = download(server.url("crawls"), join(folder, "crawls"), { ...pinned, patience: quick });
      assert.match((await refused(crawl))[0]?.got ?? "", /bytes in 0.1 s|no data in 0.1 s/);
    },
  );
});

test("a busy or broken server is asked again, as late as it wants, and not for ever", async () => {
  const busy = [{ status: 429, headers: { "retry-after": "0" } }, { status: 503 }];
  await serving(
    {
      busy: { content, first: busy },
      late: { content, first: [{ status: 429, headers: { "retry-after": "3600" } }] },
      down: { content, first: Array.from({ length: 9 }, () => ({ status: 500 })) },
    },
    async (server) => {
      await download(server.url("busy"), join(folder, "busy"), unpinned);
      assert.deepEqual(await readFile(join(folder, "busy")), content);
      assert.equal(server.requests.length, 3);
      const [late] = await refused(download(server.url("late"), join(folder, "late"), unpinned));
      assert.match(late?.got ?? "", /429.* 3600 s/);
      const [down] = await refused(download(server.url("down"), join(folder, "down"), unpinned));
      assert.match(down?.got ?? "", /500/);
      assert.equal(server.requests.filter(({ path }) => path === "down").length, 3);
    },
  );
});

test("waits grow, with some chance, to half a minute; Retry-After is seconds or a date", () => {
  for (const [failures, most] of [
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [50, 30_000],
  ] as const) {
    const wait = backoff(failures, usualPatience);
    assert.ok(wait <= most && wait >= most * 0.75, `${failures}: ${wait}`);
  }
  assert.equal(retryAfter("7"), 7_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 45_000), 15_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 45_000), 0);
  assert.equal(retryAfter("soon"), undefined);
});

test("an answer that another try would not change is not asked for again", async () => {
  await serving({}, async (server) => {
    const [problem] = await refused(download(server.url("absent"), join(folder, "absent"), unpinned));
    assert.match(problem?.got ?? "", /404/);
    assert.equal(server.requests.length, 1);
  });
});

test("a redirect is followed, but from https to https only, and without the login", async () => {
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
  const auths = { [`127.0.0.1:${server.port}`]: { auth: login.replace("Basic ", "") } };
  await writeFile(join(config, "config.json"), JSON.stringify({ auths }));
  process.env["DOCKER_CONFIG"] = config;
  try {
    const [down] = await refused(download(server.url("down"), join(folder, "down"), unpinned));
    assert.match(down?.got ?? "", /^a redirect to http:\/\/127\.0\.0\.1:\d+\/file$/);
    assert.equal(plain.requests.length, 0);
    await download(server.url("over"), join(folder, "redirected"), unpinned);
    assert.deepEqual(await readFile(join(folder, "redirected")), content);
    assert.equal(server.requests.find(({ path }) => path === "over")?.authorization, login);
    assert.equal(other.requests[0]?.authorization, undefined);
    const [round] = await refused(download(server.url("round"), join(folder, "round"), unpinned));
    assert.match(round?.got ?? "", /more than 10 redirects/);
  } finally {
    delete process.env["DOCKER_CONFIG"];
    for (const one of [plain, other, server]) one.close();
  }
});

test("a full disk is told as one, before a byte is written if the length is known", async () => {
  const target = join(folder, "full");
  await serving({ file: { content } }, async (server) => {
    // This device is always full (full(4)).
    await symlink("/dev/full", `${target}.part`);
    const [full] = await refused(download(server.url("file"), target, pinned));
    assert.equal(full?.code, "E_SPACE");
    assert.match(full.got, /^\d+ bytes free$/);
    const wanted = { ...pinned, bytes: 2 ** 50 };
    const [known] = await refused(download(server.url("file"), join(folder, "huge"), wanted));
    assert.equal(known?.code, "E_SPACE");
    assert.equal(known.expected, "room for 1125899906842624 bytes more");
  });
});

test("other bytes than the pinned ones are refused and not kept", async () => {
  const store = join(folder, "store");
  const wrong = Buffer.concat([content, Buffer.from("!")]);
  await serving({ "docker.tgz": { content: wrong } }, async (server) => {
    const url = server.url("docker.tgz");
    const [problem] = await refused(obtain(url, store, sha256, progress));
    assert.equal(problem?.code, "E_DOWNLOAD_SHA256");
    assert.ok(problem.got.startsWith(createHash("sha256").update(wrong).digest("hex")));
    server.set("docker.tgz", { content });
    const { path } = await obtain(url, store, sha256, progress);
    assert.deepEqual(await readFile(path), content);
  });
});

test("what is in the store is not downloaded again, unless it has changed there", async () => {
  const store = join(folder, "kept");
  await serving({ "docker.tgz": { content } }, async (server) => {
    const file = server.url("docker.tgz");
    const { path } = await obtain(file, store, undefined, progress);
    await obtain(file, store, sha256, progress);
    assert.equal(server.requests.length, 1);
    await writeFile(path, "changed");
    assert.deepEqual(await codesOf(obtain(file, store, sha256, progress)), ["E_DOWNLOAD_SHA256"]);
    await Promise.all([obtain(file, store, sha256, progress), obtain(file, store, sha256, progress)]);
    assert.equal(server.requests.length, 2);
  });
});

async function serving(
  paths: Readonly<Record<string, Manners>>,
  work: (server: HostileServer) => Promise<unknown>,
): Promise<void> {
  const server = await hostileServer(paths);
  try {
    await work(server);
  } finally {
    server.close();
  }
}

async function untilRequests(server: HostileServer, count: number): Promise<void> {
  while (server.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
}
