/** CopyToRemote: what it puts where, when it copies again and when it does not. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileArchive, fileAsset, startConformanceSite, stringAsset } from "./conformance-site.ts";
import { secret, unknown, type Properties } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, sshd, connection } = site;
after(() => site.stop());

const create = async (inputs: Properties) => plugin.create("CopyToRemote", await site.copy(inputs));
/** Where a relative remotePath ends up. */
const at = (...path: string[]) => join(sshd.home, ...path);
const read = (...path: string[]) => readFileSync(at(...path), "utf8");

function localFile(name: string, content: string | Buffer): string {
  const path = join(sshd.directory, name);
  writeFileSync(path, content);
  return path;
}

const tree = join(sshd.directory, "tree");
mkdirSync(join(tree, "sub", "empty"), { recursive: true });
writeFileSync(join(tree, "a"), "1");
writeFileSync(join(tree, "sub", "b"), "2");

describe("a file", () => {
  test("is stored with its parent directories below the user's home; the state is the inputs", async () => {
    const source = fileAsset(localFile("one", "one\n"));
    const inputs = await site.copy({ source, remotePath: "new/dir/one" });
    const { id, state } = await plugin.create("CopyToRemote", inputs);
    assert.match(id, /^[0-9a-f]{8}$/);
    assert.deepEqual(state, inputs);
    assert.equal(read("new/dir/one"), "one\n");
  });

  test("is stored at an absolute path", async () => {
    const remotePath = join(sshd.directory, "absolute", "one");
    await create({ source: fileAsset(localFile("one", "one\n")), remotePath });
    assert.equal(readFileSync(remotePath, "utf8"), "one\n");
  });

  test("arrives byte by byte, whatever its size", async () => {
    for (const bytes of [0, 1, 3_000_001]) {
      const content = randomBytes(bytes);
      await create({ source: fileAsset(localFile("bytes", content)), remotePath: "bytes" });
      assert.ok(content.equals(readFileSync(at("bytes"))), `${bytes} bytes`);
    }
  });

  test("goes into an existing directory, and over an existing file", async () => {
    mkdirSync(at("there"));
    writeFileSync(at("file"), "a longer text that was there");
    const source = fileAsset(localFile("one", "one\n"));
    await create({ source, remotePath: "there" });
    await create({ source, remotePath: "file" });
    assert.equal(read("there/one"), "one\n");
    assert.equal(read("file"), "one\n");
  });

  test("that is gone, or that cannot be stored there, fails by name", async () => {
    const source = fileAsset(localFile("gone", "x"));
    const missing = { ...source, path: "/nonexistent" };
    await assert.rejects(create({ source: missing, remotePath: "x" }), {
      code: 2,
      details: "open /nonexistent: no such file or directory",
    });
    await assert.rejects(create({ source, remotePath: "/proc/nothing/x" }), {
      details: "failed to create parent directories for /proc/nothing/x: file does not exist",
    });
  });
});

describe("a text", () => {
  test("becomes a file", async () => {
    await create({ source: stringAsset("é\n"), remotePath: "text/of/mine" });
    assert.equal(read("text/of/mine"), "é\n");
  });

  test("does not go into a directory: it has no name", async () => {
    mkdirSync(at("nameless"));
    const details =
      "remote path nameless is a directory; when using a text asset, remotePath must be a file path";
    await assert.rejects(create({ source: stringAsset("t"), remotePath: "nameless" }), { details });
  });
});

describe("an archive", () => {
  const below = (path: string) => readdirSync(at(path), { recursive: true }).map(String).sort();

  test("of a directory is stored under its name", async () => {
    await create({ source: fileArchive(tree, "v1"), remotePath: "named/deep" });
    assert.deepEqual(below("named/deep"), ["tree", "tree/a", "tree/sub", "tree/sub/b", "tree/sub/empty"]);
    assert.equal(read("named/deep/tree/sub/b"), "2");
  });

  test("of a directory with a slash is stored as its contents", async () => {
    await create({ source: fileArchive(`${tree}/`, "v1"), remotePath: "bare" });
    assert.deepEqual(below("bare"), ["a", "sub", "sub/b", "sub/empty"]);
  });

  test("of a packed file is copied as it is", async () => {
    const packed = randomBytes(1000);
    const path = localFile("packed.tar.gz", packed);
    await create({ source: fileArchive(path, "v1"), remotePath: "packed.tar.gz" });
    assert.ok(packed.equals(readFileSync(at("packed.tar.gz"))));
  });

  test("of a directory does not replace a file", async () => {
    writeFileSync(at("occupied"), "x");
    await assert.rejects(create({ source: fileArchive(tree, "v1"), remotePath: "occupied" }), { code: 2 });
    assert.equal(read("occupied"), "x");
  });
});

describe("update", () => {
  const source = fileAsset(localFile("first", "first\n"));

  test("copies if the bytes change", async () => {
    const before = await create({ source, remotePath: "bytes-change" });
    const news = await site.copy({
      source: fileAsset(localFile("second", "2\n")),
      remotePath: "bytes-change",
    });
    const { state } = await plugin.update("CopyToRemote", before, news);
    assert.deepEqual(state, news);
    assert.equal(read("bytes-change"), "2\n");
  });

  test("copies if the path changes, and leaves the old file", async () => {
    const before = await create({ source, remotePath: "path-one" });
    await plugin.update("CopyToRemote", before, await site.copy({ source, remotePath: "path-two" }));
    assert.deepEqual([read("path-one"), read("path-two")], ["first\n", "first\n"]);
  });

  test("copies nothing if only the connection changes: another host stays without the file", async () => {
    const before = await create({ source, remotePath: "host" });
    const news = await site.copy({
      connection: { ...connection, host: "elsewhere.invalid" },
      source,
      remotePath: "host",
    });
    const opened = sshd.connections();
    assert.deepEqual((await plugin.update("CopyToRemote", before, news)).state, news);
    assert.equal(sshd.connections(), opened);
  });
});

test("a preview copies nothing; a source that will be copied is shown as unknown", async () => {
  const inputs = await site.copy({ source: stringAsset("t"), remotePath: "previewed" });
  const opened = sshd.connections();
  const preview = await plugin.create("CopyToRemote", inputs, { preview: true });
  assert.deepEqual(preview.state, { ...inputs, source: unknown });
  const before = { id: "x", inputs, state: inputs };
  const moved = { ...inputs, remotePath: "elsewhere" };
  const update = await plugin.update("CopyToRemote", before, moved, { preview: true });
  assert.deepEqual(update.state, { ...moved, source: unknown });
  assert.equal(sshd.connections(), opened);
});

test("delete leaves the file and does not connect", async () => {
  const before = await create({ source: stringAsset("stays"), remotePath: "stays" });
  const opened = sshd.connections();
  await plugin.delete("CopyToRemote", before);
  assert.equal(sshd.connections(), opened);
  assert.ok(existsSync(at("stays")));
});

test("the connection stays secret in the state", async () => {
  const { state } = await create({ source: stringAsset("s"), remotePath: "closed" });
  assert.deepEqual(
    state["connection"],
    secret({ ...connection, perDialTimeout: 15, privateKey: secret(sshd.privateKey) }),
  );
});
