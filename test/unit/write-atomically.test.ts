import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeAtomically, writeAtomicallySync } from "../../modules/core/write-atomically.ts";

const ways = {
  writeAtomically,
  writeAtomicallySync: (file: string, text: string): void => {
    writeAtomicallySync(file, text);
  },
};

for (const [name, write] of Object.entries(ways))
  test(`${name} replaces a file or a link, follows none, and leaves nothing when it fails`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "sealift-write-"));
    const file = join(folder, "file");
    const other = join(folder, "other");
    await writeFile(other, "theirs");
    await symlink(other, file);
    await write(file, "one");
    await write(file, "two");
    assert.deepEqual([await readFile(file, "utf8"), await readFile(other, "utf8")], ["two", "theirs"]);
    await mkdir(join(folder, "taken", "inside"), { recursive: true });
    await assert.rejects(async () => write(join(folder, "taken"), "three"), { syscall: "rename" });
    assert.deepEqual((await readdir(folder)).sort(), ["file", "other", "taken"]);
    await rm(folder, { recursive: true });
  });

test("a file that is written atomically has the requested mode", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-write-"));
  const file = join(folder, "file");
  await writeAtomically(file, "one", 0o600);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await rm(folder, { recursive: true });
});
