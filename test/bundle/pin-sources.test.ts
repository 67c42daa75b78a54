import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { hashesIn } from "../../offline-bundle/locking/checksums.ts";
import { type HostileServer, hostileServer } from "../support/servers/hostile-server.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const content = Buffer.from("a program\n");
const sha256 = createHash("sha256").update(content).digest("hex");
const other = createHash("sha256").update("another program\n").digest("hex");

let site: SourcesUnderTest;
let upstream: HostileServer;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  upstream = await hostileServer({}, site.certificate);
  undo(() => {
    upstream.close();
  });
});
beforeEach(async () => {
  upstream.set("tool-amd64", { content });
  upstream.set("SHA256SUMS", { content: Buffer.from(`${sha256}  tool-amd64\n${other} *tool-arm64\n`) });
  upstream.set("tool-amd64.sha256", { content: Buffer.from(`${sha256}\n`) });
  for (const path of [site.store, site.lockFile]) await rm(path, { recursive: true, force: true });
});

const url = (path: string): string => upstream.url(path).href;
const tool = (checksums?: string | readonly string[]): object =>
  program("tool", `${url("tool")}-{arch}`, checksums === undefined ? {} : { checksums });

test("checksum files that agree with the bytes are the sources of a pin; without any it is computed here", async () => {
  await site.spec({ files: [tool()] });
  assert.deepEqual((await site.lock()).lock.files[0]?.sources, ["computed-here"]);
  await rm(site.lockFile);
  await site.spec({ files: [tool([url("SHA256SUMS"), `${url("tool")}-{arch}.sha256`])] });
  const { lock } = await site.lock();
  assert.deepEqual(lock.files[0]?.sources, [url("SHA256SUMS"), url("tool-amd64.sha256")]);
});

test("a pin gains a source when bundle.yaml names one, and is left alone once it has it", async () => {
  await site.spec({ files: [tool()] });
  await site.lock();
  await site.spec({ files: [tool(url("SHA256SUMS"))] });
  const { changes, lock, differences } = await site.lock();
  assert.equal(changes[0]?.change, "filled");
  assert.deepEqual(lock.files[0]?.sources, ["computed-here", url("SHA256SUMS")]);
  assert.deepEqual(
    differences.map(({ what, from, to }) => [what, from, to]),
    [
      ["sources", "computed-here", `computed-here, ${url("SHA256SUMS")}`],
      ["origin", "unverified", "checksum"],
    ],
  );
  const requests = upstream.requests.length;
  assert.equal((await site.lock()).changes[0]?.change, "kept");
  assert.equal(upstream.requests.length, requests);
});

test("two sources that disagree are shown side by side, whichever they are", async () => {
  const outcome = async (): Promise<string> => {
    const [problem] = await assertRefused(site.lock());
    assert.equal(problem?.code, "E_PIN_SOURCES");
    return problem.found.replaceAll(sha256, "RIGHT").replaceAll(other, "OTHER");
  };
  const sums = url("SHA256SUMS");
  await site.spec({ files: [tool(sums)] });
  upstream.set("SHA256SUMS", { content: Buffer.from(`${other}  tool-amd64\n`) });
  assert.equal(await outcome(), `local bytes RIGHT; ${sums} OTHER`);
  upstream.set("SHA256SUMS", { content: Buffer.from(`${sha256}  tool-riscv64\n`) });
  assert.equal(await outcome(), `local bytes RIGHT; ${sums} does not list tool-amd64`);
  upstream.set("SHA256SUMS", { content: Buffer.from(`${sha256}  tool-amd64\n${other}  ./x/tool-amd64\n`) });
  assert.equal(await outcome(), `local bytes RIGHT; ${sums} RIGHT and OTHER`);

  upstream.set("SHA256SUMS", { content: Buffer.from(`${sha256}  tool-amd64\n`) });
  await site.lock();
  await rm(site.store, { recursive: true });
  const text = await readFile(site.lockFile, "utf8");
  // Bytes and checksum file against the pin.
  await writeFile(site.lockFile, text.replace(sha256, other).replace(sums, "some place"));
  assert.equal(await outcome(), `local bytes RIGHT; ${sums} RIGHT; the lock OTHER`);
  // Pin and checksum file against the bytes.
  await writeFile(site.lockFile, text.replace(sums, "some place"));
  upstream.set("tool-amd64", { content: Buffer.from("another program\n") });
  await rm(site.store, { recursive: true, force: true });
  assert.match(await outcome(), /^local bytes OTHER; https:.* RIGHT; the lock RIGHT$/);
});

test("an unavailable checksum file stops a new pin, and leaves an old one as it is", async () => {
  await site.spec({ files: [tool(url("absent"))] });
  const [problem] = await assertRefused(site.lock());
  assert.deepEqual([problem?.code, problem?.where], ["E_DOWNLOAD", url("absent")]);
  await site.spec({ files: [tool()] });
  await site.lock();
  await site.spec({ files: [tool(url("absent"))] });
  const { changes, changed } = await site.lock();
  assert.deepEqual([changes[0]?.change, changed], ["unseen", false]);
});

test("checksum files are read as sha256sum(1), BSD and single hashes write them", () => {
  const [a, b] = [sha256, other];
  const hashesOf = (text: string): readonly string[] => hashesIn(text, "x", "SHA256SUMS");
  assert.deepEqual(hashesOf(`${a.toUpperCase()}  x\r\n${b}  y\r\n`), [a]);
  assert.deepEqual(hashesOf(`${b} *dist/x\n`), [b]);
  assert.deepEqual(hashesOf(`SHA256 (x) = ${a}\nSHA256 (xx) = ${b}`), [a]);
  assert.deepEqual(hashesOf(`${a}  x.sig\n${a}0  x\nnot a hash  x`), []);
  assert.deepEqual(hashesOf("<html>404</html>"), []);
});

test("a hash without a name applies to the file after which its own is named, and to no other", async () => {
  for (const called of ["x.sha256", "x.sha256sum", "x.SHA256", "x.sha256.txt"])
    assert.deepEqual(hashesIn(`${sha256}\n`, "x", called), [sha256], called);
  for (const called of ["SHA256SUMS", "y.sha256", "x", "x.sha512", "x.sha256.sha256", ".sha256"])
    assert.deepEqual(hashesIn(`${sha256}\n`, "x", called), [], called);
  upstream.set("hash", { content: Buffer.from(`${sha256}\n`) });
  await site.spec({ files: [tool(url("hash"))] });
  const [problem] = await assertRefused(site.lock());
  assert.equal(problem?.code, "E_PIN_SOURCES");
  assert.match(problem.found, /hash does not list tool-amd64/);
});

test("lock --update replaces what it names, and nothing else", async () => {
  for (const name of ["one", "two"]) await writeFile(join(site.folder, name), "first\n");
  const both = [program("one", "file:one"), program("two", "file:two")];
  await site.spec({ files: both });
  const first = await site.lock();
  for (const name of ["one", "two"]) await appendFile(join(site.folder, name), "more\n");
  const [problem] = await assertRefused(site.lock({ update: ["one"] }));
  assert.deepEqual([problem?.code, problem?.where], ["E_PIN_MISMATCH", join(site.folder, "two")]);
  await writeFile(join(site.folder, "two"), "first\n");
  const { lock, differences } = await site.lock({ update: ["one"] });
  assert.deepEqual(
    differences.map(({ item, what }) => `${item} ${what}`),
    ["one linux/amd64 1.0 sha256", "one linux/amd64 1.0 bytes"],
  );
  assert.equal(lock.files[1]?.sha256, first.lock.files[1]?.sha256);
  assert.equal(lock.serial, 2);
  const [unknown] = await assertRefused(site.lock({ update: ["three"] }));
  assert.deepEqual([unknown?.code, unknown?.expected], ["E_VALUE", "one of one, two"]);
});

test("lock --check writes nothing and reports by its exit code whether the lock would change", async () => {
  await writeFile(join(site.folder, "one"), "first\n");
  await site.spec({ files: [program("one", "file:one")] });
  const first = await site.sealift(["lock", "--check"]);
  assert.equal(first.exitCode, 65, first.stderr);
  assert.match(first.stdout, /^ITEM +WHAT +CHANGE$/m);
  assert.match(
    first.stdout,
    /^one linux\/amd64 +pin +nothing -> 1\.0 [0-9a-f]{64} \(unverified: computed-here\)$/m,
  );
  assert.match(first.stdout, /serial 1, would change$/);
  await assert.rejects(readFile(site.lockFile));
  await site.lock();
  assert.equal((await site.sealift(["lock", "--check"])).exitCode, 0);
  await site.spec({ files: [{ ...program("one", "file:one"), versions: ["1.1"] }] });
  const json = await site.sealift(["lock", "--check", "--json"]);
  assert.equal(json.exitCode, 65);
  const { changed, written, differences } = JSON.parse(json.stdout) as Record<string, unknown>;
  assert.deepEqual(
    [changed, written, differences],
    [true, false, [{ item: "one linux/amd64", what: "version", from: "1.0", to: "1.1" }]],
  );
});
