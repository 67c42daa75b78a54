import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { verifyCarried } from "../../offline-bundle/verify-carried.ts";
import { checkout } from "../lab/cache.ts";
import { folderListing } from "../support/folder-listing.ts";
import { killTree } from "../support/kill-tree.ts";
import { onExit } from "../support/on-exit.ts";
import { type RegistryProcess, startRegistry } from "../support/registry-process.ts";
import { makeTinyBundle, type TinyBundle } from "../support/tiny-bundle.ts";

let tiny: TinyBundle;
let registry: RegistryProcess;
let whole: readonly string[];
let carried: string;
before(async () => {
  tiny = await makeTinyBundle(12_000_000);
  whole = await folderListing(tiny.directory);
  registry = await startRegistry(join(tiny.folder, "registry"));
  carried = join(tiny.folder, "carried.tar.zst");
  assert.equal(await run("pack", tiny.directory, carried), 0);
});
after(async () => {
  await registry.stop();
  await tiny.remove();
});

test("build, killed anywhere, is run again and is whole", async () => {
  const directory = join(tiny.folder, "again");
  const inputs = ["--file", tiny.bundleFile, "--lock", tiny.lockFile, "--key", tiny.key];
  await killedAndRepeated(
    () => ["build", directory, ...inputs],
    () => beside("again").includes("again.part"),
    async () => {
      assert.deepEqual(await folderListing(directory), whole);
    },
  );
  leftBeside("again", ["again"]);
});

test("pack, killed anywhere, is run again and is whole", async () => {
  const file = join(tiny.folder, "packed.tar.zst");
  await killedAndRepeated(
    () => ["pack", tiny.directory, file, "--split", "2MiB"],
    () => beside("packed").some((name) => name.endsWith(".part")),
    async () => {
      const { serial } = await verifyCarried(`${file}.parts.json`, { allowedSigners: tiny.allowedSigners });
      assert.equal(serial, 1);
    },
  );
  const parts = Array.from({ length: 6 }, (_, at) => `packed.tar.zst.00${at + 1}`);
  leftBeside("packed", [...parts, "packed.tar.zst.parts.json"]);
});

test("unpack, killed anywhere, never leaves half a bundle, and is run again", async () => {
  const directory = join(tiny.folder, "unpacked");
  await killedAndRepeated(
    () => ["unpack", carried, directory, "--signers", tiny.allowedSigners],
    () => beside("unpacked").includes("unpacked.part"),
    async () => {
      assert.deepEqual(await folderListing(directory), whole);
      await rm(directory, { recursive: true });
    },
    async () => {
      if (existsSync(directory)) assert.deepEqual(await folderListing(directory), whole);
    },
  );
  leftBeside("unpacked", []);
});

test("push, killed anywhere, is run again, and every tag is as signed", async () => {
  let count = 0;
  const place = (): string => `${registry.address}/site-${count}`;
  const flags = ["--signers", tiny.allowedSigners, "--plain-http"];
  await killedAndRepeated(
    () => ["push", tiny.directory, place(), ...flags],
    () => registry.log().some((line) => line.includes("POST") && line.includes(`/site-${count}/`)),
    async () => {
      assert.equal(await run("push", tiny.directory, place(), ...flags, "--check"), 0);
      count += 1;
    },
  );
});

/** How often each command is killed: once at any moment, then at moments after it has begun to write. */
const kills = 3;

async function killedAndRepeated(
  command: () => readonly string[],
  begun: () => boolean,
  whenDone: () => Promise<void>,
  whenKilled: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const start = Date.now();
  assert.equal(await run(...command()), 0);
  const runMs = Date.now() - start;
  await whenDone();
  for (let at = 0; at < kills; at++) {
    const child = sealift(command());
    const ended = once(child, "exit");
    if (at === 0) await Promise.race([ended, setTimeout(runMs * Math.random())]);
    else {
      while (!begun() && child.exitCode === null) await setTimeout(2);
      await Promise.race([ended, setTimeout((Math.random() * runMs * at) / (2 * kills))]);
    }
    killTree(child.pid ?? 0);
    await ended;
    await whenKilled();
    assert.equal(await run(...command()), 0, `killed for the ${at + 1}. time`);
    await whenDone();
  }
}

function beside(name: string): readonly string[] {
  return readdirSync(tiny.folder).filter((one) => one.startsWith(name));
}

function leftBeside(name: string, expected: readonly string[]): void {
  assert.deepEqual(beside(name).toSorted(), expected);
}

function sealift(words: readonly string[]): ChildProcess {
  const program = join(checkout, "cli", "sealift.js");
  const env = { ...process.env, SEALIFT_CACHE: join(tiny.folder, "cache") };
  return spawn(process.execPath, [program, "bundle", ...words], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function run(...words: readonly string[]): Promise<number | null> {
  const child = sealift(words);
  const forget = onExit(() => {
    killTree(child.pid ?? 0);
  });
  const [code] = (await once(child, "exit")) as [number | null];
  forget();
  return code;
}
