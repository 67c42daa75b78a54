/** Where the plaintext of an editor may be; the editor itself is tested as typed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { editText } from "../../modules/secrets/editor.ts";

const [tmpfs, ramfs, ext4] = [0x01021994, 0x858458f6, 0xef53];
const edited = (types: Readonly<Record<string, number>>, runtime?: string): Promise<Buffer> =>
  editText(
    Buffer.from("text"),
    { EDITOR: "true", ...(runtime === undefined ? {} : { XDG_RUNTIME_DIR: runtime }) },
    (folder) => types[folder] ?? ext4,
  );

test("a folder in memory is taken, whichever kind", async () => {
  for (const type of [tmpfs, ramfs]) assert.equal((await edited({ "/dev/shm": type })).toString(), "text");
});

test("without a folder in memory nothing is written, and the refusal names each folder", async () => {
  await assert.rejects(edited({}, process.cwd()), (error) => {
    assert.ok(error instanceof SealiftError);
    const [problem] = error.problems;
    assert.deepEqual(
      [problem?.code, problem?.found, problem?.fix],
      [
        "E_TOOL",
        `${process.cwd()} is not in memory, /dev/shm is not in memory`,
        "set XDG_RUNTIME_DIR to such a folder, or pass the value with --stdin",
      ],
    );
    return true;
  });
  await assert.rejects(
    edited({}, "/nonexistent"),
    /\/nonexistent cannot be written to, \/dev\/shm is not in memory/,
  );
});
