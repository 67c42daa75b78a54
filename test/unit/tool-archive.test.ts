import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { ReleasedTool } from "../lab/tools/archive.ts";
import { undoAfter } from "../support/process/undo.ts";

// The record of first uses lies in the cache, and where that is, is settled at the first import: this file has one of its own.
const parent = resolve(import.meta.dirname, "../..", process.env["SEALIFT_CACHE"] ?? ".cache", "test");
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, "archive-"));
process.env["SEALIFT_CACHE"] = folder;
const { fromArchive } = await import("../lab/tools/archive.ts");

let server: Server;
let place: { web: string; api: string };
let archive: Buffer;
let digest: string;
const requests: string[] = [];

const undo = undoAfter();
before(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    if (path.startsWith("/api/repos/team/tool/releases/tags/v"))
      response.end(JSON.stringify({ assets: [{ name: "tool.tar.gz", digest: `sha256:${digest}` }] }));
    else if (path === "/team/tool/releases/download/v1.0.0/tool.tar.gz") response.end(archive);
    else if (path === "/team/tool/releases/download/v1.0.0/tool-linux") response.end("the program");
    else response.writeHead(404).end();
  });
  undo(() => server.close());
  undo(() => {
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  place = { web, api: `${web}/api` };
});
after(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  archive = await tgz({ "tool/one": "first", "tool/two": "second", "tool/other": "third" });
  digest = hash(archive);
  requests.length = 0;
  rmSync(join(folder, "downloads"), { recursive: true, force: true });
});

test("takes the programs and nothing else, executable, and keeps the digest of the first use", async () => {
  const reported = await fromArchive(tool(), join(folder, "a"), () => undefined, place);
  assert.equal(reported, `official archive, trust on first use, sha256 ${digest}`);
  assert.equal(readFileSync(join(folder, "a", "one"), "utf8"), "first");
  assert.equal(statSync(join(folder, "a", "two")).mode & 0o777, 0o755);
  assert.throws(() => statSync(join(folder, "a", "other")));
});

test("refuses another file under the same name later, and does not ask for its digest", async () => {
  archive = await tgz({ "tool/one": "first", "tool/two": "SECOND" });
  digest = hash(archive);
  const again = fromArchive(tool(), join(folder, "b"), () => undefined, place);
  await assert.rejects(again, /E_DOWNLOAD_SHA256/);
  assert.deepEqual(requests, ["/team/tool/releases/download/v1.0.0/tool.tar.gz"]);
});

test("a pin in the table is the only criterion", async () => {
  const reported = await fromArchive(tool(digest), join(folder, "c"), () => undefined, place);
  assert.equal(reported, "official archive, pinned sha256");
  assert.equal(requests.length, 1);
});

test("a release that is the program itself gets its plain name, executable", async () => {
  const asset = { file: "tool-linux", sha256: hash(Buffer.from("the program")) };
  const bare = { ...tool(), programs: ["one"], archives: { amd64: asset, arm64: asset } };
  await fromArchive(bare, join(folder, "f"), () => undefined, place);
  assert.equal(readFileSync(join(folder, "f", "one"), "utf8"), "the program");
  assert.equal(statSync(join(folder, "f", "one")).mode & 0o777, 0o755);
});

test("names the program that an archive lacks", async () => {
  archive = await tgz({ "tool/one": "first" });
  const lacking = fromArchive(tool(hash(archive)), join(folder, "d"), () => undefined, place);
  await assert.rejects(lacking, /tool\.tar\.gz has no tool\/two/);
});

test("an asset without a digest is not used", async () => {
  digest = "";
  const other = { ...tool(), version: "2.0.0" };
  await assert.rejects(
    fromArchive(other, join(folder, "e"), () => undefined, place),
    /E_DOWNLOAD .*found: no sha256 digest for tool/,
  );
});

function tool(sha256?: string): ReleasedTool {
  const asset = { file: "tool.tar.gz", ...(sha256 === undefined ? {} : { sha256 }) };
  return {
    name: "tool",
    version: "1.0.0",
    programs: ["one", "two"],
    versionArguments: [],
    repository: "team/tool",
    archiveFolder: "tool/",
    archives: { amd64: asset, arm64: asset },
    modules: [],
  };
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function tgz(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const entries = pack();
  for (const [name, text] of Object.entries(files)) entries.entry({ name }, text);
  entries.finalize();
  return gzipSync(await buffer(entries));
}
