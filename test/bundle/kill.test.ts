/** A verb that is killed at each of the critical points, and run again. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { verifyArchive } from "../../offline-bundle/verify.ts";
import { checkout } from "../lab/cache.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import type { Halt } from "../support/process/halt-hook.ts";
import { type Halted, startHalted } from "../support/process/halted-process.ts";
import { killTree } from "../support/process/kill-tree.ts";
import { onExit } from "../support/process/on-exit.ts";
import { type RegistryProcess, startRegistry } from "../support/servers/registry-process.ts";
import { runProcess } from "../support/process/run-process.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startTcpProxy, type TcpProxy } from "../support/servers/tcp-proxy.ts";

let tiny: TinyBundle;
let registry: RegistryProcess;
let proxy: TcpProxy;
let complete: readonly string[];
let carried: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(12_000_000);
  undo(() => tiny.remove());
  complete = await folderListing(tiny.directory);
  registry = await startRegistry(join(tiny.folder, "registry"));
  undo(() => registry.stop());
  proxy = await startTcpProxy(registry.port);
  undo(() => {
    proxy.end();
  });
  carried = join(tiny.folder, "carried.tar.zst");
  await succeeds("pack", tiny.directory, carried);
});

test("build, killed anywhere, is run again and is complete", async () => {
  const directory = join(tiny.folder, "again");
  const inputs = ["--file", tiny.bundleFile, "--lock", tiny.lockFile, "--key", tiny.key];
  await killedAndRepeated(["build", directory, ...inputs], async () => {
    assert.deepEqual(await folderListing(directory), complete);
  });
  leftBeside("again", ["again"]);
});

test("pack, killed anywhere, is run again and is complete", async () => {
  const file = join(tiny.folder, "packed.tar.zst");
  await killedAndRepeated(["pack", tiny.directory, file, "--split", "2MiB"], async () => {
    const { serial } = await verifyArchive(`${file}.parts.json`, { allowedSigners: tiny.allowedSigners });
    assert.equal(serial, 1);
  });
  const parts = Array.from({ length: 6 }, (_, at) => `packed.tar.zst.00${at + 1}`);
  leftBeside("packed", [...parts, "packed.tar.zst.parts.json"]);
});

test("unpack, killed anywhere, never leaves half a bundle, and is run again", async () => {
  const directory = join(tiny.folder, "unpacked");
  await killedAndRepeated(
    ["unpack", carried, directory, "--allowed-signers", tiny.allowedSigners],
    async () => {
      assert.deepEqual(await folderListing(directory), complete);
      await rm(directory, { recursive: true });
    },
    async () => {
      if (existsSync(directory)) assert.deepEqual(await folderListing(directory), complete);
    },
  );
  leftBeside("unpacked", []);
});

test("push, killed anywhere, is run again, and every tag is as signed", async () => {
  const flags = ["--allowed-signers", tiny.allowedSigners, "--plain-http"];
  const push = (to: string, ...more: readonly string[]): readonly [string, ...string[]] => [
    "push",
    tiny.directory,
    `127.0.0.1:${proxy.port}/${to}`,
    ...flags,
    ...more,
  ];
  // The first request; in the middle of the longest blob, which a registry gets once or, from two at the same time, twice; the first tag.
  const tag = /^PUT \S+\/manifests\/(?!sha256:)/m;
  const holds: readonly Parameters<typeof proxy.hold>[] = [[0], [4_000_000], [8_000_000], [Infinity, tag]];
  for (const [at, place] of holds.entries()) {
    const held = proxy.hold(...place).then(() => true);
    const child = sealift(push(`site-${at}`));
    const ended = once(child, "exit").then(() => false);
    assert.ok(await Promise.race([held, ended]), `came to its end before ${place.join(" ")}`);
    killTree(child.pid ?? 0);
    await ended;
    proxy.cut();
    proxy.release();
    await succeeds(...push(`site-${at}`));
    await succeeds(...push(`site-${at}`, "--check"));
  }
});

async function killedAndRepeated(
  words: readonly [string, ...string[]],
  whenDone: () => Promise<void>,
  whenKilled: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { steps, exitCode } = await halted(words, undefined);
  assert.equal(exitCode, 0);
  await whenDone();
  for (const before of places(steps)) {
    assert.ok((await halted(words, before)).killed, `came to its end before step ${JSON.stringify(before)}`);
    await whenKilled();
    await succeeds(...words);
    await whenDone();
  }
}

/** Where a run is killed: a third and two thirds through, before the first, the middle and the last rename, before its last step. */
function places(steps: readonly string[]): readonly Halt["before"][] {
  const renames = steps.filter((step) => step.startsWith("rename "));
  assert.ok(renames.length > 0 && steps.length > 10, steps.join("\n"));
  const some = [renames[0], renames[Math.floor(renames.length / 2)], renames.at(-1)];
  const named = [...new Set(some.flatMap((step) => step ?? []))].map((step) => ({ step, time: 1 }));
  const [last = ""] = steps.slice(-1);
  const ending = { step: last, time: steps.filter((step) => step === last).length };
  return [Math.floor(steps.length / 3), Math.floor((steps.length * 2) / 3), ...named, ending];
}

function halted(words: readonly string[], before: Halt["before"]): Promise<Halted> {
  const halt = { under: tiny.folder, without: ["cache"], before };
  return startHalted(program, ["bundle", ...words], { ...halt, env: environment() }).ended;
}

function beside(name: string): readonly string[] {
  return readdirSync(tiny.folder).filter((one) => one.startsWith(name));
}

function leftBeside(name: string, expected: readonly string[]): void {
  assert.deepEqual(beside(name).toSorted(), expected);
}

const program = join(checkout, "cli", "sealift.js");

function environment(): { SEALIFT_CACHE: string } {
  return { SEALIFT_CACHE: join(tiny.folder, "cache") };
}

function sealift(words: readonly string[]): ReturnType<typeof spawn> {
  const child = spawn(process.execPath, [program, "bundle", ...words], {
    env: { ...process.env, ...environment() },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const forget = onExit(() => {
    killTree(child.pid ?? 0);
  });
  child.on("exit", forget);
  return child;
}

async function succeeds(...words: readonly [string, ...string[]]): Promise<void> {
  const { exitCode, stderr } = await runProcess(process.execPath, [program, "bundle", ...words], {
    env: environment(),
  });
  assert.equal(exitCode, 0, stderr);
}
