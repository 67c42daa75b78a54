import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { cachePath } from "../lab/cache.ts";
import { download } from "../lab/tools/download.ts";
import { undoAfter } from "../support/undo.ts";

const bytes = randomBytes(300_000);
const sha256 = createHash("sha256").update(bytes).digest("hex");

// The bound turns a download that never ends into a failure.
describe("download", { timeout: 60_000 }, () => {
  let server: Server;
  let url: string;
  let path: string;
  let folder: string;
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
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    mkdirSync(cachePath("test"), { recursive: true });
    folder = mkdtempSync(cachePath("test", "download-"));
    path = join(folder, "file.tar.gz");
    ranges = [];
    answer = honest;
  });

  test("brings the file, tells how far it is, and asks for nothing the second time", async () => {
    const told: number[] = [];
    await download({ url, sha256, path }, (_text, fraction) => told.push(fraction ?? -1));
    assert.deepEqual(readFileSync(path), bytes);
    assert.equal(told.at(-1), 1);
    await download({ url, sha256, path });
    assert.equal(ranges.length, 1);
    assert.equal(existsSync(`${path}.part`), false);
  });

  test("goes on where the connection was dropped, again and again", async () => {
    answer = (request, response) => {
      const start = startOf(request.headers.range);
      head(response, start, bytes.length - start);
      const rest = bytes.subarray(start);
      if (rest.length <= 100_000) response.end(rest);
      else dropAfter(response, rest.subarray(0, 100_000), `${path}.part`, start + 100_000);
    };
    await download({ url, sha256, path });
    assert.deepEqual(readFileSync(path), bytes);
    assert.deepEqual(ranges, [undefined, "bytes=100000-", "bytes=200000-"]);
  });

  test("starts over when the server knows no ranges", async () => {
    writeFileSync(`${path}.part`, bytes.subarray(0, 5000));
    answer = (_request, response) => response.end(bytes);
    await download({ url, sha256, path });
    assert.deepEqual(readFileSync(path), bytes);
    assert.deepEqual(ranges, ["bytes=5000-"]);
  });

  test("starts over when what an earlier run left is of another file", async () => {
    writeFileSync(`${path}.part`, randomBytes(5000));
    await download({ url, sha256, path });
    assert.deepEqual(readFileSync(path), bytes);
    assert.deepEqual(ranges, ["bytes=5000-", undefined]);
  });

  test("takes a part that is whole already", async () => {
    writeFileSync(`${path}.part`, bytes);
    await download({ url, sha256, path });
    assert.deepEqual(readFileSync(path), bytes);
    assert.deepEqual(ranges, ["bytes=300000-"]);
  });

  test("refuses wrong bytes, names the file and keeps nothing", async () => {
    const wrong = Buffer.from(bytes);
    wrong.writeUInt8(wrong.readUInt8(1234) ^ 1, 1234);
    answer = (_request, response) => response.end(wrong);
    const found = createHash("sha256").update(wrong).digest("hex");
    const line = await refusal(download({ url, sha256, path }));
    assert.equal(
      line,
      `${path}: E_DOWNLOAD_SHA256 ${url}: got sha256 ${found}; expected sha256 ${sha256}; ` +
        "find out who changed the file before you use anything from there; it has been deleted here",
    );
    assert.equal(existsSync(path) || existsSync(`${path}.part`), false);
  });

  test("refuses a file that is cut short by a length that says so", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "content-length": 1000, connection: "close" });
      response.end(bytes);
    };
    assert.match(await refusal(download({ url, sha256, path })), /E_DOWNLOAD_SHA256/);
    assert.equal(existsSync(path), false);
  });

  test("gives up after its rounds when the promised length never comes", async () => {
    answer = (request, response) => {
      const start = startOf(request.headers.range);
      head(response, start, 2 * bytes.length);
      dropAfter(response, bytes.subarray(start), `${path}.part`, bytes.length);
    };
    assert.match(await refusal(download({ url, sha256, path, rounds: 3 })), /^download: E_DOWNLOAD http/);
    assert.equal(ranges.length, 3);
    assert.equal(existsSync(path), false);
  });

  test("asks once only for what is not there", async () => {
    answer = (_request, response) => response.writeHead(404).end();
    assert.match(await refusal(download({ url, sha256, path })), /E_DOWNLOAD .*: got HTTP status 404;/);
    assert.equal(ranges.length, 1);
  });

  test("remembers a host that does not answer", async () => {
    const gone = createServer((_request, response) => response.end(bytes));
    const address = await listen(gone);
    await new Promise((resolve) => gone.close(resolve));
    assert.match(await refusal(download({ url: address, sha256, path })), /E_DOWNLOAD .*ECONNREFUSED/);
    const { port } = new URL(address);
    await new Promise<void>((resolve) => gone.listen(Number(port), "127.0.0.1", resolve));
    const again = await refusal(download({ url: address, sha256, path }));
    await new Promise((resolve) => gone.close(resolve));
    assert.match(again, /did not answer before/);
  });
});

type Answer = Parameters<RequestListener>[1];

const honest: RequestListener = (request, response) => {
  const start = startOf(request.headers.range);
  if (start >= bytes.length) {
    response.writeHead(416).end();
    return;
  }
  head(response, start, bytes.length - start);
  response.end(bytes.subarray(start));
};

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
}

function head(response: Answer, start: number, length: number): void {
  const headers = {
    "content-length": length,
    "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
  };
  response.writeHead(start > 0 ? 206 : 200, headers);
}

/** Drops the connection once the other side has stored all that was sent: what breaks off is the rest, and only that. */
function dropAfter(response: Answer, sent: Uint8Array, part: string, size: number): void {
  response.write(sent);
  const look = setInterval(() => {
    if (!existsSync(part) || statSync(part).size < size) return;
    clearInterval(look);
    response.destroy();
  }, 5);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.tar.gz`;
}

async function refusal(promise: Promise<void>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof SealiftError, String(error));
    return error.message;
  }
  assert.fail("it was not refused");
}
