import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { before, test } from "node:test";
import { type ErrorCode, formatProblem } from "../../modules/core/errors.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inspectBundle } from "../../offline-bundle/inspect.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Nothing here waits for anything; a test that does hangs on a pipe. */
const timeout = 60_000;

let tiny: TinyBundle;
/** The largest blob: a file of a host. */
let blob: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  const [first = ""] = await readdir(join(tiny.directory, inside.blobs));
  blob = join(inside.blobs, first);
});

type Spoil = (copy: string) => Promise<unknown>;

/** A signed bundle with something more, or with something that is no file; the bytes that are read through it are right. */
const spoiled: readonly [string, RegExp, Spoil][] = [
  [
    "a file beside its own",
    /readme\.txt: found: a file; expected: only files that a build writes/,
    extra("readme.txt"),
  ],
  ["a program with a harmless name", /install\.sh: found: a file/, extra("install.sh")],
  [
    "what sign leaves when it is killed",
    /sealift\.json\.2\.sig\.part: found: a file/,
    extra("sealift.json.2.sig.part"),
  ],
  ["a signature of another name", /sealift\.json\.asc: found: a file/, extra("sealift.json.asc")],
  ["a delta that nobody took in", /delta\.json: found: a file/, extra("delta.json")],
  ["a folder", /more: found: a folder/, (copy) => mkdir(join(copy, "more"))],
  ["a file beside the blobs", /sha512: found: a file/, extra("blobs/sha512")],
  ["a file among the blobs", /readme: found: a file/, extra(`${inside.blobs}/readme`)],
  ["a name that moves the cursor", /\\u001b\[2J: found: a file/, extra("\u001b[2J")],
  ["a name that turns the text around", /\\u202egpj: found: a file/, extra("\u202egpj")],
  ["a linked blob", /\b[0-9a-f]{64}: found: a symbolic link/, (copy) => linked(copy, blob)],
  ["a linked lock", /bundle\.lock\.yaml: found: a symbolic link/, (copy) => linked(copy, inside.lock)],
  ["a linked index", /index\.json: found: a symbolic link/, (copy) => linked(copy, inside.index)],
  ["a linked marker", /oci-layout: found: a symbolic link/, (copy) => linked(copy, inside.marker)],
  ["a linked text", /sealift\.json: found: a symbolic link/, (copy) => linked(copy, inside.manifest)],
  [
    "a linked signature",
    /sealift\.json\.sig: found: a (symbolic link|text that is no)/,
    (copy) => linked(copy, inside.signature),
  ],
  ["linked blobs", /blobs\/sha256: found: a symbolic link/, (copy) => linked(copy, inside.blobs)],
  ["a linked folder of blobs", /blobs: found: a symbolic link/, (copy) => linked(copy, "blobs")],
  ["a link to nothing", /more: found: a symbolic link/, (copy) => symlink("nowhere", join(copy, "more"))],
  ["a pipe", /more: found: a named pipe/, (copy) => pipe(copy, "more")],
  ["a pipe for a blob", /\b[0-9a-f]{64}: found: a named pipe/, (copy) => pipe(copy, blob)],
  ["a pipe for the lock", /bundle\.lock\.yaml: found: a named pipe/, (copy) => pipe(copy, inside.lock)],
  ["a pipe for the text", /sealift\.json: found: a named pipe/, (copy) => pipe(copy, inside.manifest)],
  [
    "a pipe for a signature",
    /sealift\.json\.sig: found: a (named pipe|text that is no)/,
    (copy) => pipe(copy, inside.signature),
  ],
  ["a socket", /more: found: a socket/, (copy) => socket(join(copy, "more"))],
];

for (const [what, words, spoil] of spoiled) {
  test(`refused: a bundle with ${what}`, { timeout }, async () => {
    const copy = await copyOf(tiny);
    await spoil(copy);
    for (const probe of [verifyBundle, inspectBundle]) {
      const problems = await assertRefused(probe(copy, tiny));
      assert.match(problems.map(formatProblem).join("\n"), words);
      const allowed: readonly ErrorCode[] = ["E_BUNDLE_DIGEST", "E_BUNDLE_SIGNATURE"];
      for (const { code } of problems) assert.ok(allowed.includes(code), code);
    }
  });
}

test("a pipe is not packed either, and delays nobody", { timeout }, async () => {
  for (const name of [inside.manifest, inside.marker, inside.index, inside.lock, blob]) {
    const copy = await copyOf(tiny);
    await pipe(copy, name);
    const file = join(tiny.folder, "spoiled.tar.zst");
    const [problem] = await assertRefused(packBundle(copy, { file }));
    assert.equal(problem?.code, "E_BUNDLE_DIGEST", name);
  }
});

test(
  "a bundle may be reached through a link, and a thousand unknown files are reported in summary",
  { timeout },
  async () => {
    const way = join(tiny.folder, "way");
    await symlink(tiny.directory, way);
    assert.equal((await verifyBundle(way, tiny)).serial, 1);
    const copy = await copyOf(tiny);
    for (let at = 0; at < 1_000; at++) await writeFile(join(copy, inside.blobs, `more-${at}`), "");
    const problems = await assertRefused(verifyBundle(copy, tiny));
    assert.ok(problems.length < 30, String(problems.length));
    assert.match(formatProblem(problems.at(-1) ?? assert.fail()), /980 more/);
  },
);

function extra(name: string): Spoil {
  return (copy) => writeFile(join(copy, name), "echo hello\n");
}

/** The same bytes, somewhere else. */
async function linked(copy: string, name: string): Promise<void> {
  const elsewhere = join(copy, "..", "elsewhere");
  await rename(join(copy, name), elsewhere);
  await symlink(elsewhere, join(copy, name));
  await readFile(join(copy, name)).catch(() => readdir(join(copy, name)));
}

async function pipe(copy: string, name: string): Promise<void> {
  await rm(join(copy, name), { force: true });
  execFileSync("mkfifo", [join(copy, name)]);
}

/** Too long a path for a socket, so it is made from within. */
async function socket(path: string): Promise<void> {
  const from = process.cwd();
  process.chdir(join(path, ".."));
  try {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen("more", resolve));
    // Closing would remove it.
    server.unref();
  } finally {
    process.chdir(from);
  }
}
