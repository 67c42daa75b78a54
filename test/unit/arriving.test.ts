import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as aTurn } from "node:timers/promises";
import { PartialDownload } from "../../offline-bundle/http/arriving.ts";

test("all received bytes come out, through the same two buffers", async () => {
  const source = new PassThrough();
  const arriving = new PartialDownload(source);
  const sent: Buffer[] = [];
  const send = async (): Promise<void> => {
    for (let at = 0; at < 400; at++) {
      const chunk = Buffer.alloc(1 + ((at * 7_919) % 65_536), at);
      sent.push(chunk);
      if (!source.write(chunk)) await once(source, "drain");
    }
    source.end();
  };
  const sending = send();
  const memory = new Set<ArrayBufferLike>();
  const came: Buffer[] = [];
  for await (const piece of arriving.pieces()) {
    memory.add(piece.buffer);
    came.push(Buffer.from(piece));
  }
  await sending;
  await arriving.ended;
  assert.ok(Buffer.concat(came).equals(Buffer.concat(sent)));
  assert.ok(memory.size <= 2, `${memory.size} pieces of memory for ${Buffer.concat(sent).length} bytes`);
});

test("bytes received before a connection broke are kept, and its error is reported", async () => {
  const source = new PassThrough();
  const arriving = new PartialDownload(source);
  source.write("all of ");
  source.write("this");
  await aTurn();
  source.destroy(new Error("cut off"));
  await aTurn();
  const came: string[] = [];
  for await (const piece of arriving.pieces()) came.push(piece.toString());
  assert.equal(came.join(""), "all of this");
  await assert.rejects(arriving.ended, /cut off/);
});

test("the sender waits for the reader, and is disconnected when there is no reader any more", async () => {
  const source = new PassThrough();
  const arriving = new PartialDownload(source);
  let sent = 0;
  while (!source.isPaused()) {
    assert.ok(sent < 1024 * 1024, `${sent} bytes, and more are taken`);
    source.write(Buffer.alloc(64 * 1024));
    sent += 64 * 1024;
    await aTurn();
  }
  for await (const piece of arriving.pieces()) {
    assert.ok(piece.length <= 512 * 1024);
    break;
  }
  assert.ok(source.destroyed);
  await assert.rejects(arriving.ended, /closed/);
});

test("a chunk longer than usual is accepted as well", async () => {
  const source = new PassThrough();
  const arriving = new PartialDownload(source);
  const long = Buffer.alloc(3_000_000, "long ");
  source.end(long);
  const came: Buffer[] = [];
  for await (const piece of arriving.pieces()) came.push(Buffer.from(piece));
  assert.ok(Buffer.concat(came).equals(long));
});
