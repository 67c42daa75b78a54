import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { download } from "../../offline-bundle/download.ts";
import { obtain } from "../../offline-bundle/store.ts";
import { cachePath } from "../lab/cache.ts";
import { codesOf, refused } from "../support/refused.ts";

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
const sha256 = createHash("sha256").update(content).digest("hex");
const progress = (): void => undefined;

let folder: string;
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "download-"));
});
after(() => rm(folder, { recursive: true }));

test("a connection that breaks is continued where it broke", async () => {
  const ranges: (string | undefined)[] = [];
  await serving(
    (request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from });
      const end = Math.min(from + 40_000, content.length);
      if (end === content.length) response.end(content.subarray(from));
      else response.write(content.subarray(from, end), () => response.destroy());
    },
    async (url) => {
      await download(url, join(folder, "broken"), progress);
    },
  );
  assert.deepEqual(await readFile(join(folder, "broken")), content);
  assert.equal(ranges[0], undefined);
  assert.ok(ranges.length > 1);
  for (const range of ranges.slice(1)) assert.match(range ?? "", /^bytes=\d+-$/);
});

test("a server that knows no ranges, or whose file is shorter than what is here, starts it over", async () => {
  const target = join(folder, "over");
  await writeFile(`${target}.part`, Buffer.alloc(200_000));
  await serving(
    (request, response) => {
      if (request.headers.range === undefined) response.end(content);
      else response.writeHead(416).end();
    },
    (url) => download(url, target, progress),
  );
  assert.deepEqual(await readFile(target), content);
  await writeFile(`${target}.part`, "something else");
  await serving(
    (_request, response) => response.end(content),
    (url) => download(url, target, progress),
  );
  assert.deepEqual(await readFile(target), content);
});

test("a connection that breaks every time without a new byte ends in one problem", async () => {
  let requests = 0;
  await serving(
    (_request, response) => {
      requests += 1;
      response.destroy();
    },
    async (url) => {
      const [problem] = await refused(download(url, join(folder, "never"), progress));
      assert.equal(problem?.code, "E_DOWNLOAD");
      assert.equal(problem.where, url.href);
    },
  );
  assert.equal(requests, 3);
  assert.equal(existsSync(join(folder, "never")), false);
});

test("an answer that another try would not change is not asked for again", async () => {
  let requests = 0;
  await serving(
    (_request, response) => {
      requests += 1;
      response.writeHead(404).end();
    },
    async (url) => {
      const [problem] = await refused(download(url, join(folder, "absent"), progress));
      assert.match(problem?.got ?? "", /^404/);
    },
  );
  assert.equal(requests, 1);
});

test("other bytes than the pinned ones are refused and not kept", async () => {
  const store = join(folder, "store");
  const wrong = Buffer.concat([content, Buffer.from("!")]);
  await serving(
    (_request, response) => response.end(wrong),
    async (url) => {
      const [problem] = await refused(obtain(new URL("docker.tgz", url), store, sha256, progress));
      assert.equal(problem?.code, "E_DOWNLOAD_SHA256");
      assert.ok(problem.got.startsWith(createHash("sha256").update(wrong).digest("hex")));
    },
  );
  await serving(
    (_request, response) => response.end(content),
    async (url) => {
      const { path } = await obtain(new URL("docker.tgz", url), store, sha256, progress);
      assert.deepEqual(await readFile(path), content);
    },
  );
});

test("what is in the store is not downloaded again, unless it has changed there", async () => {
  const store = join(folder, "kept");
  let requests = 0;
  await serving(
    (_request, response) => {
      requests += 1;
      response.end(content);
    },
    async (url) => {
      const file = new URL("docker.tgz", url);
      const { path } = await obtain(file, store, undefined, progress);
      await obtain(file, store, sha256, progress);
      assert.equal(requests, 1);
      await writeFile(path, "changed");
      assert.deepEqual(await codesOf(obtain(file, store, sha256, progress)), ["E_DOWNLOAD_SHA256"]);
      await Promise.all([obtain(file, store, sha256, progress), obtain(file, store, sha256, progress)]);
      assert.equal(requests, 2);
    },
  );
});

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  work: (url: URL) => Promise<unknown>,
): Promise<void> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
