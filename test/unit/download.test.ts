import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { undoAfter } from "../support/process/undo.ts";

// Where the cache is, is settled at the first import: this file has one of its own.
const parent = resolve(import.meta.dirname, "../..", process.env["SEALIFT_CACHE"] ?? ".cache", "test");
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, "download-"));
process.env["SEALIFT_CACHE"] = folder;
const { download } = await import("../lab/tools/download.ts");

const bytes = randomBytes(300_000);
const sha256 = createHash("sha256").update(bytes).digest("hex");
const arriving = join(folder, "downloads", "arriving", createHash("sha256").update(sha256).digest("hex"));

let server: Server;
let url: string;
/** The range header of every request so far. */
let ranges: (string | undefined)[];
let answer: RequestListener;

const undo = undoAfter();
before(async () => {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  undo(() => server.close());
  undo(() => {
    server.closeAllConnections();
  });
  url = await listen(server);
});
after(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(join(folder, "downloads"), { recursive: true, force: true });
  ranges = [];
  answer = (_request, response) => response.writeHead(200, { "content-length": bytes.length }).end(bytes);
});

test("the lab's download reports its progress, and a file that is here is not requested again", async () => {
  const fractions: number[] = [];
  const path = await download(url, sha256, (_text, fraction) => fractions.push(fraction ?? -1));
  assert.deepEqual(readFileSync(path), bytes);
  assert.equal(fractions.at(-1), 1);
  assert.equal(await download(url, sha256), path);
  assert.deepEqual(ranges, [undefined]);
});

test("a dropped connection is resumed where it ended", async () => {
  answer = (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": bytes.length - start,
      "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    });
    if (start > 0) response.end(bytes.subarray(start));
    else dropAfter(response, bytes.subarray(0, 100_000));
  };
  assert.deepEqual(readFileSync(await download(url, sha256)), bytes);
  assert.deepEqual(ranges, [undefined, "bytes=100000-"]);
});

test("other bytes are refused and deleted; a file that does not exist is requested once", async () => {
  answer = (_request, response) => response.end("other bytes");
  await assert.rejects(download(url, sha256), /E_DOWNLOAD_SHA256/);
  assert.equal(existsSync(arriving) || existsSync(`${arriving}.part`), false);
  ranges = [];
  answer = (_request, response) => response.writeHead(404).end();
  await assert.rejects(download(url, sha256), /E_DOWNLOAD .*found: HTTP status 404;/);
  assert.equal(ranges.length, 1);
});

test("a host that did not answer is not asked again in this run", async () => {
  const gone = createServer((_request, response) => response.end(bytes));
  const address = await listen(gone);
  await new Promise((resolve) => gone.close(resolve));
  await assert.rejects(download(address, sha256), /E_DOWNLOAD .*ECONNREFUSED/);
  const { port } = new URL(address);
  await new Promise<void>((resolve) => gone.listen(Number(port), "127.0.0.1", resolve));
  const again = download(address, sha256);
  await assert.rejects(again, /E_DOWNLOAD .*an earlier download from this host failed: .*ECONNREFUSED/);
  await new Promise((resolve) => gone.close(resolve));
});

/** Drops the connection once the other side has stored all that was sent: only the rest is lost. */
function dropAfter(response: Parameters<RequestListener>[1], sent: Uint8Array): void {
  response.write(sent);
  const probe = setInterval(() => {
    const part = `${arriving}.part`;
    if (!existsSync(part) || statSync(part).size < sent.length) return;
    clearInterval(probe);
    response.destroy();
  }, 5);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.tar.gz`;
}
