import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { buffer } from "node:stream/consumers";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { membersOf } from "../../offline-bundle/upstream/members.ts";
import { cachePath } from "../lab/cache.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { undoAfter } from "../support/process/undo.ts";

interface Entry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "link" | "fifo" | "character-device";
  readonly content?: string;
  readonly linkname?: string;
}

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "archive-"));
  undo(() => rm(folder, { recursive: true }));
});

const file = (name: string, content = name): Entry => ({ name, type: "file", content });
const link = (name: string, linkname: string): Entry => ({ name, type: "symlink", linkname });
const hard = (name: string, linkname: string): Entry => ({ name, type: "link", linkname });

test("dangerous archive members are refused", async () => {
  const cases: readonly (readonly [string, readonly Entry[]])[] = [
    ["an absolute path", [file("/etc/passwd")]],
    ["a way up", [file("../x")]],
    ["a way up inside", [file("a/../../x")]],
    ["the same twice", [file("a"), file("a", "other")]],
    ["the same twice, written differently", [file("a/b"), file("./a//b")]],
    ["a file where a folder is", [file("a/b"), file("a")]],
    ["a file below a file", [file("a"), file("a/b")]],
    ["a file below a link", [link("a", "b"), file("a/c")]],
    ["a link where a folder is", [file("a/b"), link("a", "c")]],
    ["a link to an absolute path", [link("a", "/etc")]],
    ["a link outside", [link("a", "..")]],
    ["a link outside, from below", [link("a/b", "../../x")]],
    ["a link that climbs after it went down", [link("a/b", "../c/../..")]],
    ["a hard link outside", [hard("a", "../x")]],
    ["a hard link to nothing", [hard("a", "b")]],
    ["a hard link to a link", [link("b", "c"), hard("a", "b")]],
    ["a device", [{ name: "null", type: "character-device" }]],
    ["a pipe", [{ name: "pipe", type: "fifo" }]],
    ["a name with a line break", [file("a\nb")]],
    ["a name that is too long", [file("a/".repeat(600) + "b")]],
  ];
  for (const [what, entries] of cases) {
    assert.deepEqual(await codesOf(membersOf(await archive(entries), true)), ["E_ARCHIVE"], what);
  }
});

test("links that stay inside are accepted, but not in an engine", async () => {
  const path = await archive([
    { name: "bin/", type: "directory" },
    file("bin/tool", "tool"),
    link("bin/alias", "tool"),
    link("lib/deep/up", "../../bin/tool"),
    hard("bin/same", "bin/tool"),
    { name: "bin/", type: "directory" },
  ]);
  const members = await membersOf(path, true);
  assert.deepEqual(
    members.map((one) => one.path),
    ["bin/tool"],
  );
  const [problem] = await assertRefused(membersOf(path));
  assert.match(problem?.found ?? "", /^a link "bin\/alias" to "tool"$/);
});

test("a member that grows beyond its limit is stopped while it grows", async () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const tar = await tarOf([{ name: "zeros", type: "file", content: zeros.toString("latin1") }]);
  const path = join(folder, "bomb.tgz");
  await writeFile(path, gzipSync(tar));
  const [ratio] = await assertRefused(membersOf(path));
  assert.match(ratio?.found ?? "", /^more than \d+ bytes out of \d+ compressed bytes$/);
  const small = await archive([file("a", "x".repeat(10_000))]);
  assert.deepEqual(await codesOf(membersOf(small, false, 5_000)), ["E_ARCHIVE"]);
  // Nothing but padding: no member would ever come.
  const honest = await tarOf([file("a")]);
  const noise = Buffer.concat([
    honest,
    Buffer.from("0123456789abcdef".repeat(8)),
    Buffer.alloc(12 * 1024 * 1024),
  ]);
  await writeFile(path, gzipSync(Buffer.concat([honest, Buffer.alloc(12 * 1024 * 1024)])));
  assert.match((await assertRefused(membersOf(path)))[0]?.found ?? "", /^\d+ bytes outside of any member$/);
  await writeFile(path, gzipSync(noise));
  assert.deepEqual(await codesOf(membersOf(path)), ["E_ARCHIVE"]);
});

test("an archive that is truncated or of another format is refused", async () => {
  const packed = gzipSync(await tarOf([file("a", "x".repeat(5_000))]));
  const path = join(folder, "cut.tgz");
  for (const bytes of [packed.subarray(0, packed.length / 2), Buffer.from("no archive"), Buffer.alloc(0)]) {
    await writeFile(path, bytes);
    assert.deepEqual(await codesOf(membersOf(path)), ["E_ARCHIVE"]);
  }
});

test("tar(1) unpacks an accepted archive to exactly its members, and to nothing outside", async () => {
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { minLength: 1, maxLength: 6 }), async (entries) => {
      const path = await archive(entries);
      const members = await membersOf(path, true).catch(() => undefined);
      if (members === undefined) {
        seen.refused += 1;
        return;
      }
      seen.accepted += 1;
      const outside = await mkdtemp(join(folder, "unpack-"));
      const inside = join(outside, "x", "y", "z");
      await mkdir(inside, { recursive: true });
      await promisify(execFile)("tar", ["-xzf", path, "-C", inside, "--no-same-owner"]);
      const hardLinks = entries.filter(({ type }) => type === "link").map(({ name }) => clean(name));
      const files = await filesBelow(outside);
      const unpacked = files.filter((one) => !hardLinks.includes(one.replace("x/y/z/", "")));
      assert.deepEqual(
        unpacked.sort(),
        members.map((member) => `x/y/z/${member.path}`),
      );
      for (const member of members)
        assert.equal((await digestOf(join(inside, member.path))).sha256, member.sha256);
      await rm(outside, { recursive: true });
    }),
    { numRuns: 150 },
  );
  assert.ok(seen.accepted > 20 && seen.refused > 20, JSON.stringify(seen));
});

const part = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c", "d", "e") },
  { weight: 1, arbitrary: fc.constantFrom("..", ".", "") },
);
const anyPath = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(anyPath, fc.string()).map(([name, content]) => file(name, content)) },
  { weight: 1, arbitrary: anyPath.map((name): Entry => ({ name: `${name}/`, type: "directory" })) },
  { weight: 2, arbitrary: fc.tuple(anyPath, anyPath).map(([name, target]) => link(name, target)) },
  { weight: 1, arbitrary: fc.tuple(anyPath, anyPath).map(([name, target]) => hard(name, target)) },
);

function clean(name: string): string {
  return name
    .split("/")
    .filter((one) => one !== "" && one !== ".")
    .join("/");
}

/** Regular files, without following links. */
async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  const kinds = await Promise.all(paths.map((path) => lstat(path)));
  return paths.filter((_, index) => kinds[index]?.isFile() === true).map((path) => relative(root, path));
}

let count = 0;
async function archive(entries: readonly Entry[]): Promise<string> {
  const path = join(folder, `${count++}.tgz`);
  await writeFile(path, gzipSync(await tarOf(entries)));
  return path;
}

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, type, content = "", linkname } of entries) {
    const header = { name, type, ...(linkname === undefined ? {} : { linkname }) };
    if (type === "file") tar.entry(header, Buffer.from(content));
    else tar.entry({ ...header, size: 0 });
  }
  tar.finalize();
  return buffer(tar);
}
