import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type DownloadOptions, download } from "../../offline-bundle/http/download.ts";
import { defaultRetryPolicy } from "../../offline-bundle/http/retry-policy.ts";
import { fetchToCache } from "../../offline-bundle/fetching/download-cache.ts";
import { cachePath } from "../lab/cache.ts";
import { type HostileServer, hostileServer, type Behaviour } from "../support/servers/hostile-server.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
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
  folder = await mkdtemp(cachePath("test", "download-"));
  undo(() => rm(folder, { recursive: true }));
});

test("a broken connection is resumed if the file is still the same", async () => {
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
  assert.ok((await readFile(join(folder, "broken"))).equals(content));
  assert.equal(existsSync(join(folder, "broken.part.of")), false);
});

test("a file that changes between two requests comes from one version", async () => {
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
  assert.ok((await readFile(target)).equals(next));
});

test("without anything that distinguishes two versions, an unpinned download is never pieced together", async () => {
  const target = join(folder, "no-etag");
  await serving({ file: { content, etag: "none", cutAfter: 40_000 } }, async (server) => {
    const [problem] = await assertRefused(download(server.url("file"), target, unpinned));
    assert.match(problem?.found ?? "", /./);
    assert.deepEqual([...new Set(server.requests.map(({ range }) => range))], [undefined]);
    // With a pin the bytes speak for themselves.
    await download(server.url("file"), target, pinned);
  });
  assert.ok((await readFile(target)).equals(content));
});

test("pieces of two versions are detected by the pin, and downloaded again as one", async () => {
  const store = join(folder, "seam");
  const first = Buffer.alloc(100_000, 1);
  const changing = (request: number): Buffer => (request === 0 ? first : content);
  await serving({ file: { content: changing, etag: "none", cutAfter: 50_000 } }, async (server) => {
    const { path } = await fetchToCache(server.url("file"), store, sha256, progress, { retryPolicy });
    assert.ok((await readFile(path)).equals(content));
    assert.ok(server.requests.some(({ range }) => range !== undefined));
  });
});

test("if a server does not support ranges, or its file is shorter than the partial one, the download starts over", async () => {
  const target = join(folder, "over");
  await writeFile(`${target}.part`, Buffer.alloc(200_000));
  await serving({ file: { content } }, async (server) => {
    await download(server.url("file"), target, pinned);
    assert.ok((await readFile(target)).equals(content));
    await writeFile(`${target}.part`, "something else");
    server.set("file", { content, noRanges: true });
    await download(server.url("file"), target, pinned);
    assert.ok((await readFile(target)).equals(content));
    await writeFile(`${target}.part`, content.subarray(0, 10));
    server.set("file", { content, shiftRange: 7 });
    await download(server.url("file"), target, pinned);
  });
  assert.ok((await readFile(target)).equals(content));
});

test("a partial file that is complete already is used as it is", async () => {
  const target = join(folder, "all");
  await writeFile(`${target}.part`, content);
  await serving({ file: { content } }, async (server) => {
    await download(server.url("file"), target, { ...pinned, bytes: content.length });
    assert.equal(server.requests.length, 1);
  });
  assert.ok((await readFile(target)).equals(content));
});

test("a wrong Content-Length can neither pass a wrong file nor spoil a right one", async () => {
  const bytes = content.length;
  await serving(
    { more: { content, announce: 150_000 }, less: { content, announce: 60_000 } },
    async (server) => {
      const target = join(folder, "lies");
      await download(server.url("more"), target, { ...pinned, bytes });
      assert.ok((await readFile(target)).equals(content));
      // The server itself says, in the end, that this is all.
      await download(server.url("more"), join(folder, "more"), unpinned);
      assert.ok((await readFile(join(folder, "more"))).equals(content));
      // What was cut is asked for again, and comes.
      await download(server.url("less"), join(folder, "less"), { ...pinned, bytes });
      assert.ok((await readFile(join(folder, "less"))).equals(content));
    },
  );
  await serving({ long: { content: Buffer.alloc(200_000) }, short: { content } }, async (server) => {
    const long = download(server.url("long"), join(folder, "long"), { ...pinned, bytes });
    const [tooLong] = await assertRefused(long);
    assert.deepEqual([tooLong?.code, tooLong?.found], ["E_DOWNLOAD_SHA256", "more than 100000 bytes"]);
    assert.equal(existsSync(join(folder, "long.part")), false);
    const [overBound] = await assertRefused(
      download(server.url("long"), join(folder, "long"), { ...unpinned, most: bytes }),
    );
    assert.equal(overBound?.expected, "at most 100000 bytes for a file without a pinned length");
    assert.match(overBound.fix, /add its bytes and sha256 to the lock first$/);
    const short = download(server.url("short"), join(folder, "short"), { ...pinned, bytes: 100_001 });
    assert.equal((await assertRefused(short))[0]?.found, "a file of 100000 bytes");
  });
});

test("a link in place of a partial file, or of its metadata, is not written through", async () => {
  const mine = join(folder, "mine");
  await writeFile(mine, "mine");
  for (const ending of ["part", "part.of"]) await symlink(mine, join(folder, `linked.${ending}`));
  await serving({ linked: { content } }, async (server) => {
    await download(server.url("linked"), join(folder, "linked"), unpinned);
  });
  assert.equal(await readFile(mine, "utf8"), "mine");
  assert.ok((await readFile(join(folder, "linked"))).equals(content));
});

test("a connection that breaks every time without a new byte ends in one problem", async () => {
  await serving({ file: { content, cutAfter: 0 } }, async (server) => {
    const [problem] = await assertRefused(download(server.url("file"), join(folder, "never"), unpinned));
    assert.equal(problem?.code, "E_DOWNLOAD");
    assert.equal(problem.where, server.url("file").href);
    assert.equal(server.requests.length, 3);
  });
  assert.equal(existsSync(join(folder, "never")), false);
});

test("a server that stalls or is too slow counts as broken", async () => {
  // Far more time than a busy machine needs for what does come, and far more bytes than crawl in it.
  const quick = { ...retryPolicy, stallMs: 500, leastBytes: 10_000 };
  await serving(
    { stalls: { content, stallAfter: 50_000 }, crawls: { content, trickleMs: 5 } },
    async (server) => {
      const target = join(folder, "stalls");
      await download(server.url("stalls"), target, { ...pinned, retryPolicy: quick });
      assert.ok((await readFile(target)).equals(content));
      assert.equal(server.requests.length, 2);
      const crawl = download(server.url("crawls"), join(folder, "crawls"), { ...pinned, retryPolicy: quick });
      assert.match((await assertRefused(crawl))[0]?.found ?? "", /bytes in 0.5 s|no data in 0.5 s/);
    },
  );
});

test("a server that never finishes counts as failed, whatever it sends in between", async () => {
  // Were it asked for ever, it would give everything in the end.
  const cutAfter = (request: number): number =>
    request > 60 ? content.length : request % 2 === 0 ? 20_000 : 0;
  await serving({ anew: { content, noRanges: true, cutAfter } }, async (server) => {
    const [problem] = await assertRefused(download(server.url("anew"), join(folder, "anew"), pinned));
    assert.equal(problem?.code, "E_DOWNLOAD");
    assert.ok(server.requests.length <= 1 + retryPolicy.attempts, `${server.requests.length} requests`);
  });
  await serving({ bits: { content, cutAfter: 17_000 } }, async (server) => {
    const few = { ...pinned, retryPolicy: { ...retryPolicy, tries: 4 } };
    assert.equal(
      (await assertRefused(download(server.url("bits"), join(folder, "bits"), few)))[0]?.code,
      "E_DOWNLOAD",
    );
    assert.equal(server.requests.length, 4);
    // What came is there for the next place.
    server.set("bits", { content });
    await download(server.url("bits"), join(folder, "bits"), few);
    assert.ok((await readFile(join(folder, "bits"))).equals(content));
  });
});

test("a server just fast enough has no more time than the bytes may take", async () => {
  const short = { ...retryPolicy, leastBytes: 0, graceMs: 300, slowest: 1e9 };
  await serving({ slow: { content: content.subarray(0, 2_000), trickleMs: 5 } }, async (server) => {
    const options = { ...pinned, bytes: 2_000, retryPolicy: short };
    const [problem] = await assertRefused(download(server.url("slow"), join(folder, "slow"), options));
    assert.match(problem?.found ?? "", /too slow/);
    assert.equal(server.requests.length, 1);
  });
});

test("a slow server has no more time than the received bytes may take, if no length is pinned", async () => {
  const short = { ...retryPolicy, leastBytes: 0, graceMs: 300, slowest: 1e6 };
  const drips = { content: content.subarray(0, 2_000), trickleMs: 5 };
  // Announced or not: it could announce any.
  await serving({ drips, announces: { ...drips, announce: 2 ** 30 } }, async (server) => {
    for (const name of ["drips", "announces"]) {
      const options = { ...unpinned, retryPolicy: short };
      const [problem] = await assertRefused(download(server.url(name), join(folder, name), options));
      assert.match(problem?.found ?? "", /too slow/);
    }
  });
});

test("an answer that another attempt would not change is not requested again", async () => {
  await serving({}, async (server) => {
    const [problem] = await assertRefused(download(server.url("absent"), join(folder, "absent"), unpinned));
    assert.match(problem?.found ?? "", /404/);
    assert.equal(server.requests.length, 1);
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

async function untilRequests(server: HostileServer, count: number): Promise<void> {
  while (server.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
}
