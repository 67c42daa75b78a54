import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { before, test } from "node:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { archiveContents } from "../../offline-bundle/archive/archive-order.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyArchive } from "../../offline-bundle/verify.ts";
import { compressed } from "../../offline-bundle/archive/zstd.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";
import { frame, rawBlock, skippableFrame } from "../support/fixtures/zstd-frame.ts";

interface Entry {
  readonly header: Partial<Header> & { readonly name: string };
  readonly data?: Buffer | string;
}

let tiny: TinyBundle;
let folder: string;
let head: Entry[];
let blobs: Entry[];
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  folder = join(tiny.folder, "deep", "down");
  await mkdir(folder, { recursive: true });
  const contents = await archiveContents(tiny.directory);
  const entries = (all: readonly { readonly name: string }[]): Promise<Entry[]> =>
    Promise.all(all.map(async ({ name }) => entry(name, await readFile(join(tiny.directory, name)))));
  head = await entries(contents.head);
  blobs = await entries(contents.blobs);
});

test("the archive that the hostile ones are made from is accepted", async () => {
  const file = await archive([...head, ...blobs]);
  await verifyArchive(file, tiny);
  await unpackBundle(file, join(folder, "good"), tiny);
  // tar(1) fills its last record with zeros.
  const padded = await archive([...head, ...blobs], Buffer.alloc(8_000));
  await verifyArchive(padded, tiny);
  await verifyArchive(await archive([...head, ...blobs], Buffer.alloc(8_000), inFrames), tiny);
});

const other = "0123456789abcdef".repeat(4);

test("names and types that a bundle does not have are refused", async () => {
  const evil: readonly Entry[] = [
    entry("../evil", "x"),
    entry("/tmp/sealift-evil", "x"),
    entry("blobs/sha256/../../../evil", "x"),
    entry("blobs/sha256/", "x"),
    entry(`blobs/sha256/${other}`, "x"),
    entry(`./blobs/sha256/${other}`, "x"),
    entry("ingest/evil", "x"),
    entry("", "x"),
    { header: { name: "evil", type: "symlink", linkname: "/etc/passwd" } },
    { header: { name: "evil", type: "link", linkname: "sealift.json" } },
    { header: { name: "evil", type: "character-device", devmajor: 1, devminor: 3 } },
    { header: { name: "evil", type: "block-device", devmajor: 8, devminor: 0 } },
    { header: { name: "evil", type: "fifo" } },
    { header: { name: "blobs/", type: "directory" } },
    entry(`blobs/sha256/${"long/".repeat(30)}${other}`, "x"),
    { header: { name: "evil", pax: { path: "../evil" } }, data: "x" },
  ];
  for (const [at, one] of evil.entries()) {
    // After the head, among the blobs, after them, or first of all.
    const places = [
      [...head, one, ...blobs],
      [...head, ...blobs.slice(0, 9), one, ...blobs.slice(9)],
      [...head, ...blobs, one],
      [one, ...head, ...blobs],
    ];
    const entries = places[at % places.length] ?? [];
    await refusedAs(await archive(entries), `${one.header.type ?? "file"} ${one.header.name}`);
  }
});

test("a blob declared as something other than a file is refused, whatever its bytes are", async () => {
  const name = blobs.at(-1)?.header.name ?? "";
  for (const type of ["1", "2", "3", "4", "5", "6", "7", "x", "g", "L", "K", "S", "\0"]) {
    await archive([...head, ...blobs]);
    const file = join(folder, "hostile.tar.zst");
    const bytes = zstdDecompressSync(await readFile(file));
    const header = bytes.subarray(bytes.indexOf(name), bytes.indexOf(name) + 512);
    header.write(type, 156, "latin1");
    header.fill(" ", 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await writeFile(file, zstdCompressSync(bytes));
    await refusedAs(file, `type ${JSON.stringify(type)}`);
  }
});

test("a file that is duplicate, too early, not first or of another length is refused", async () => {
  const [first, last] = [blobs[0], blobs.at(-1)];
  assert.ok(first && last);
  const longer = entry(last.header.name, Buffer.alloc(100_000));
  const cases = {
    "a blob twice": [...head, ...blobs, last],
    "a manifest twice": [...head, first, ...blobs],
    "the text twice": [...head, ...head.slice(0, 1), ...blobs],
    "a signature twice": [...head.slice(0, 2), ...head.slice(1), ...blobs],
    "another index at the end": [...head, ...blobs, entry(inside.index, "{}")],
    "blobs before their manifests": [...head, ...blobs.toReversed()],
    "no text": [...head.slice(1), ...blobs],
    "a longer blob": [...head, ...blobs.slice(0, -1), longer],
    "an empty archive": [],
  };
  for (const [what, entries] of Object.entries(cases)) await refusedAs(await archive(entries), what);
});

test("an archive with other frames than ours is refused, whatever its tar contains", async () => {
  const original = await readFile(await archive([...head, ...blobs], undefined, inFrames));
  const rest = zstdDecompressSync(original).subarray(5);
  const cases = {
    "a skippable frame before it": Buffer.concat([skippableFrame(Buffer.alloc(100)), original]),
    "a skippable frame after it": Buffer.concat([original, skippableFrame(Buffer.alloc(100))]),
    "a second archive after it": Buffer.concat([original, original]),
    "garbage after it": Buffer.concat([original, Buffer.from("garbage")]),
    "a last frame that is cut": original.subarray(0, -9),
    "five bytes in a frame of their own": Buffer.concat([
      zstdCompressSync(zstdDecompressSync(original).subarray(0, 5)),
      zstdCompressSync(rest),
    ]),
    "a window of 1 GiB": frame({ windowLog: 30, blocks: [rawBlock(rest, true)] }),
    "a dictionary": frame({ contentBytes: rest.length, dictionary: 1, blocks: [rawBlock(rest, true)] }),
    "a length of 1 EiB": frame({ contentBytes: 2n ** 60n, windowLog: 20, blocks: [rawBlock(rest, true)] }),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const file = join(folder, "hostile.tar.zst");
    await writeFile(file, bytes);
    await refusedAs(file, what);
  }
});

test("decompression bombs are refused before they expand", async () => {
  const zeros = Buffer.alloc(64 << 20);
  const cases = {
    "a text of 64 MiB": [entry(inside.manifest, zeros)],
    "a signature of 64 MiB": [...head.slice(0, 1), entry(inside.signature, zeros)],
    "a hundred signatures": [
      ...head.slice(0, 2),
      ...Array.from({ length: 100 }, (_, at) => entry(`${inside.manifest}.s${at}`, "x")),
      ...head.slice(2),
    ],
    "a delta of 64 MiB": [...head, entry("delta.json", zeros)],
    "a blob of 64 MiB": [...head, ...blobs.slice(0, -1), entry(blobs.at(-1)?.header.name ?? "", zeros)],
  };
  for (const packed of [inOneFrame, inFrames]) {
    for (const [what, entries] of Object.entries(cases))
      await refusedAs(await archive(entries, undefined, packed), what);
    await refusedAs(await archive([...head, ...blobs], zeros, packed), "64 MiB after the end");
  }
});

test("a delta that leaves out what the bundle does not have, or its manifests, is refused", async () => {
  const manifest = blobs[0]?.header.name.slice(inside.blobs.length + 1);
  const base = { bundle: "bundle", serial: 1 };
  for (const delta of [{}, { format: 1, base, lacks: [other] }, { format: 1, base, lacks: [manifest] }])
    await refusedAs(await archive([...head, entry("delta.json", JSON.stringify(delta)), ...blobs]), "delta");
});

async function refusedAs(file: string, what: string): Promise<void> {
  const before = await folderListing(tiny.folder);
  const works = [() => verifyArchive(file, tiny), () => unpackBundle(file, join(folder, "out"), tiny)];
  for (const work of works) {
    const codes = (await assertRefused(work())).map(({ code }) => code);
    assert.deepEqual(codes, ["E_ARCHIVE"], what);
  }
  assert.deepEqual(await folderListing(tiny.folder), before, what);
}

function entry(name: string, data: Buffer | string): Entry {
  return { header: { name }, data };
}

async function archive(entries: readonly Entry[], rest?: Buffer, packed = inOneFrame): Promise<string> {
  const tar = pack();
  for (const { header, data } of entries) tar.entry({ mtime: new Date(0), ...header }, data ?? "");
  tar.finalize();
  const file = join(folder, "hostile.tar.zst");
  const bytes = await buffer(tar);
  await writeFile(file, await packed(rest === undefined ? bytes : Buffer.concat([bytes, rest])));
  return file;
}

function inOneFrame(bytes: Buffer): Promise<Buffer> {
  return Promise.resolve(zstdCompressSync(bytes));
}

/** As an archive. */
async function inFrames(bytes: Buffer): Promise<Buffer> {
  const frames: Buffer[] = [];
  for await (const one of compressed(Readable.from([bytes]))) frames.push(Buffer.from(one));
  return Buffer.concat(frames);
}
