import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { constants, createZstdCompress } from "node:zlib";
import { compressed, decompressed } from "../../offline-bundle/archive/zstd.ts";
import {
  blockHeader,
  frame,
  type FrameParts,
  rawBlock,
  repeatedBlock,
  skippableFrame,
} from "../support/fixtures/zstd-frame.ts";

const frameBytes = 2 * 1024 * 1024;
/** Three frames and a bit: incompressible data, compressible data, and both in one. */
const data = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(4_000_000, "sealift "), randomBytes(77)]);

test("the bytes depend neither on how many frames are compressed at once nor on how the input is chunked", async () => {
  const results = [];
  for (const [length, concurrency] of [
    [1_000_000, 1],
    [777_777, 2],
    [data.length, 5],
    [4_096, 9],
  ] as const)
    results.push(await packed(data, length, concurrency));
  const [first = Buffer.alloc(0)] = results;
  for (const other of results) assert.ok(other.equals(first));
  assert.ok((await unpacked(first)).equals(data));
  assert.ok((await unpacked(first, 1)).equals(data));
  assert.ok((await unpacked(first, 9)).equals(data));
});

test("every 2 MiB are a frame, with its length and a checksum", async () => {
  const bytes = await packed(data);
  // Magic; a single segment with a checksum and a length in four bytes; 2 MiB.
  const header = Buffer.from("28b52ffda400002000", "hex");
  let found = 0;
  for (let at = bytes.indexOf(header); at >= 0; at = bytes.indexOf(header, at + 1)) found += 1;
  assert.equal(found, Math.floor(data.length / frameBytes));
});

test("nothing, one byte, and the edges of a frame are restored exactly", async () => {
  for (const length of [1, frameBytes - 1, frameBytes, frameBytes + 1, 2 * frameBytes]) {
    const content = data.subarray(0, length);
    assert.ok((await unpacked(await packed(content))).equals(content), String(length));
  }
  assert.equal((await packed(Buffer.alloc(0))).length, 0);
  await assert.rejects(unpacked(Buffer.alloc(0)), /an empty file/);
});

test("an archive of one frame, as earlier versions wrote it, is read", async () => {
  const bytes = await oneFrame(data);
  assert.ok((await unpacked(bytes)).equals(data));
  await assert.rejects(unpacked(Buffer.concat([bytes, Buffer.from("more")])), /4 bytes after its end/);
  await assert.rejects(unpacked(Buffer.concat([bytes, bytes])), /after its end/);
  await assert.rejects(unpacked(bytes.subarray(0, -5)), /unexpected end/);
});

const complete = 1024 * 1024;
const block = 128 * 1024;
/** A frame as it may be, 1 MiB of one letter. */
const good = frame({ contentBytes: complete, blocks: letters(complete) });

test("the frames that the hostile ones are made from are accepted", async () => {
  assert.ok((await unpacked(Buffer.concat([good, good]))).equals(Buffer.alloc(2 * complete, "a")));
  const last = frame({ contentBytes: 5, blocks: [rawBlock(Buffer.from("hello"), true)] });
  assert.equal((await unpacked(Buffer.concat([good, last]))).length, complete + 5);
  assert.equal((await unpacked(last)).toString(), "hello");
});

test("malicious frames are refused, each with its reason", async () => {
  const tiny = frame({ contentBytes: 5, blocks: [rawBlock(Buffer.from("hello"), true)] });
  const one = (parts: Partial<FrameParts>): Buffer =>
    frame({ contentBytes: 5, blocks: [repeatedBlock(97, 5, true)], ...parts });
  const cases: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
    "many tiny frames": [
      Buffer.concat(Array.from({ length: 1000 }, () => tiny)),
      /5 bytes that is not the last/,
    ],
    "a short frame in the middle": [Buffer.concat([good, tiny, good]), /5 bytes that is not the last/],
    "a longer frame after a shorter": [
      Buffer.concat([good, one({ contentBytes: complete + 1 })]),
      /1048577 bytes after one of/,
    ],
    "a later frame without a length": [
      Buffer.concat([good, frame({ windowLog: 20, blocks: letters(complete) })]),
      /an unknown number of bytes/,
    ],
    "an empty frame": [Buffer.concat([good, one({ contentBytes: 0 })]), /a frame of 0 bytes/],
    "a content of 1 EiB": [one({ contentBytes: 2n ** 60n }), /a window of 11529215046/],
    "a content of 1 EiB in a later frame": [
      Buffer.concat([good, one({ contentBytes: 2n ** 60n })]),
      /a window of/,
    ],
    "a content of 1 EiB with a window": [one({ contentBytes: 2n ** 60n, windowLog: 20 }), /./],
    "a window of 16 MiB": [one({ windowLog: 24 }), /a window of 16777216 bytes/],
    "a window of 2 TiB": [one({ windowLog: 41 }), /a window of 2199023255552 bytes/],
    "a window of 16 MiB around no length": [
      frame({ windowLog: 24, blocks: letters(5) }),
      /a window of 16777216/,
    ],
    "a dictionary": [one({ dictionary: 7 }), /a dictionary/],
    "a reserved bit": [one({ bits: 0b1000 }), /a reserved bit/],
    "a skippable frame first": [Buffer.concat([skippableFrame(Buffer.alloc(9)), good]), /a skippable frame/],
    "a skippable frame between": [
      Buffer.concat([good, skippableFrame(Buffer.alloc(9)), good]),
      /a skippable frame/,
    ],
    "a skippable frame last": [Buffer.concat([good, skippableFrame(Buffer.alloc(9))]), /a skippable frame/],
    "garbage behind": [Buffer.concat([good, Buffer.from("garbage")]), /not a frame header: 67617262/],
    "one byte behind": [Buffer.concat([good, Buffer.from("g")]), /unexpected end of a frame/],
    "no zstd at all": [Buffer.from("something else"), /not a frame header/],
    "a magic number alone": [good.subarray(0, 4), /unexpected end of a frame/],
    "more content than it says": [frame({ contentBytes: 4, blocks: letters(5) }), /./],
    "less content than it says": [frame({ contentBytes: 6, blocks: letters(5) }), /./],
    "blocks without end": [
      one({ blocks: Array.from({ length: 100_000 }, () => blockHeader(0, 0, false)) }),
      /longer than 1029/,
    ],
    "a block longer than may be": [one({ blocks: [blockHeader(2 ** 21 - 1, 0, true)] }), /longer than 1029/],
    "a reserved block": [one({ blocks: [blockHeader(0, 3, true)] }), /a reserved type/],
    "a compressed block that is none": [one({ blocks: [blockHeader(3, 2, true), Buffer.from("abc")] }), /./],
  };
  for (const [what, [bytes, message]] of Object.entries(cases))
    await assert.rejects(unpacked(bytes), message, what);
  const bytes = await packed(data);
  for (const cut of [1, 5, 100, bytes.length - frameBytes, bytes.length - 1])
    await assert.rejects(
      unpacked(bytes.subarray(0, -cut)),
      /unexpected end of a frame|not the last/,
      `${cut} bytes cut off`,
    );
});

test("a flipped bit anywhere in a frame is detected", async () => {
  const bytes = await packed(data.subarray(0, 100_000));
  for (let at = 0; at < bytes.length; at += 997) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 0b1_0000;
    await assert.rejects(unpacked(flipped), String(at));
  }
});

test("a decompression bomb takes no more memory than anything else, whatever it declares", async () => {
  const before = process.resourceUsage().maxRSS;
  const many = Buffer.concat(Array.from({ length: 800 }, () => good));
  let bytes = 0;
  for await (const piece of decompressed(source(many), many.length)) bytes += piece.length;
  assert.equal(bytes, 800 * complete);
  const single = await oneFrame(Buffer.alloc(200 * complete));
  for await (const piece of decompressed(source(single), single.length)) bytes += piece.length;
  assert.equal(bytes, 1_000 * complete);
  const grown = (process.resourceUsage().maxRSS - before) / 1024;
  // 200 MiB are what was to be packed.
  assert.ok(grown < 300, `${grown} MiB more`);
});

/** Blocks of `a` that fill a frame. */
function letters(bytes: number): readonly Buffer[] {
  const blocks = Math.ceil(bytes / block);
  return Array.from({ length: blocks }, (_, at) =>
    repeatedBlock(97, Math.min(block, bytes - at * block), at === blocks - 1),
  );
}

async function* source(bytes: Buffer, length = 64 * 1024): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) {
    await Promise.resolve();
    yield bytes.subarray(at, at + length);
  }
}

async function packed(bytes: Buffer, length?: number, concurrency?: number): Promise<Buffer> {
  return all(compressed(source(bytes, length), 3, concurrency));
}

async function unpacked(bytes: Buffer, concurrency?: number): Promise<Buffer> {
  return all(decompressed(source(bytes), bytes.length, concurrency));
}

/** Pieces are only good until the next one is asked for. */
async function all(pieces: AsyncGenerator<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) copies.push(Buffer.from(piece));
  return Buffer.concat(copies);
}

/** As it was done before there were frames of one length. */
async function oneFrame(bytes: Buffer): Promise<Buffer> {
  const zstd = createZstdCompress({
    flush: constants.ZSTD_e_flush,
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_nbWorkers]: 2,
      [constants.ZSTD_c_jobSize]: 1024 * 1024,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  const result = buffer(zstd);
  for (let at = 0; at < bytes.length; at += 4 << 20)
    if (!zstd.write(bytes.subarray(at, at + (4 << 20)))) await once(zstd, "drain");
  zstd.end();
  return result;
}
