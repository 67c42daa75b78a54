import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { buildBundle } from "../../offline-bundle/build.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { fetchToCache } from "../../offline-bundle/fetching/download-cache.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { onExit } from "../support/process/on-exit.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let carried: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(3_000_000);
  undo(() => tiny.remove());
  carried = join(tiny.folder, "carried.tar.zst");
  await packBundle(tiny.directory, { file: carried });
});

test("too little free space is refused before anything is written, with what is needed and what is free", async (t) => {
  const disk = await smallDisk(t, "size=2m");
  if (disk === undefined) return;
  const works = {
    build: () => buildBundle({ ...tiny, directory: join(disk, "bundle") }),
    "build with its carried file": () =>
      buildBundle({ ...tiny, directory: join(tiny.folder, "roomy"), carry: join(disk, "b.tar.zst") }),
    pack: () => packBundle(tiny.directory, { file: join(disk, "b.tar.zst") }),
    unpack: () => unpackBundle(carried, join(disk, "bundle"), tiny),
  };
  for (const [what, work] of Object.entries(works)) {
    const [problem, ...more] = await assertRefused(work());
    assert.deepEqual([problem?.code, more.length], ["E_NO_SPACE", 0], what);
    assert.match(problem?.found ?? "", /^2\d{6} bytes free$/, what);
    assert.match(problem?.expected ?? "", /^3\d{6} bytes free$/, what);
    assert.deepEqual(await readdir(disk), [], what);
  }
  assert.ok(!existsSync(join(tiny.folder, "roomy")));
});

test("free space is counted once per file system, including a partial earlier file", async (t) => {
  const disk = await smallDisk(t, "size=5m");
  if (disk === undefined) return;
  const both = { ...tiny, directory: join(disk, "bundle"), carry: join(disk, "b.tar.zst") };
  const [problem] = await assertRefused(buildBundle(both));
  assert.match(problem?.subject ?? "", /^the bundle \d+, the archive \d+$/);
  await mkdir(join(disk, "bundle.part"));
  await writeFile(join(disk, "bundle.part", "half"), Buffer.alloc(3_000_000));
  await unpackBundle(carried, join(disk, "bundle"), tiny);
});

test("a disk that fills up in the middle is reported as such, leaves nothing, and the next run finishes", async (t) => {
  // No more files: a disk that has bytes left, so that only the attempt shows that it is full.
  const disk = await smallDisk(t, "size=20m,nr_inodes=12");
  if (disk === undefined) return;
  const works = {
    pack: () => packBundle(tiny.directory, { file: join(disk, "b.tar.zst"), splitBytes: 100_000 }),
    unpack: () => unpackBundle(carried, join(disk, "bundle"), tiny),
    build: () => buildBundle({ ...tiny, directory: join(disk, "bundle") }),
  };
  for (const [what, work] of Object.entries(works)) {
    const [problem, ...more] = await assertRefused(work());
    assert.deepEqual([problem?.code, more.length], ["E_NO_SPACE", 0], what);
    assert.match(problem?.found ?? "", /the disk filled up during the run/, what);
    assert.deepEqual(await readdir(disk), [], what);
  }
  mount("-o", "remount,nr_inodes=1000", disk);
  for (const work of Object.values(works)) await work();
  await verifyBundle(join(disk, "bundle"), tiny);
});

test("a download or a lock that fills the disk is reported as such, and continues when there is free space", async (t) => {
  const disk = await smallDisk(t, "size=1m");
  if (disk === undefined) return;
  const ballast = await readFile(join(tiny.folder, "ballast"));
  const server = createServer((request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": ballast.length - from });
    response.end(ballast.subarray(from));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/ballast`);
    const store = join(disk, "store");
    const get = (): Promise<unknown> => fetchToCache(url, store, undefined, () => undefined);
    const [full, ...more] = await assertRefused(get());
    assert.deepEqual([full?.code, more.length], ["E_NO_SPACE", 0]);
    // So full that not even a lock fits.
    await writeFile(join(disk, "rest"), ballast).catch(() => undefined);
    const own = { ...tiny, lockFile: join(disk, "bundle.lock.yaml") };
    const [problem] = await assertRefused(lockBundle(own));
    assert.equal(problem?.code, "E_NO_SPACE");
    assert.ok(!(await readdir(disk)).some((name) => name.startsWith("bundle.lock")));
    mount("-o", "remount,size=8m", disk);
    await rm(join(disk, "rest"), { force: true });
    assert.ok((await lockBundle(own)).written);
    await get();
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

/** A separate file system in memory, unmounted after the test; undefined, with a message, without the right to mount. */
async function smallDisk(t: TestContext, size: string): Promise<string | undefined> {
  const disk = await mkdtemp(join(tiny.folder, "disk-"));
  if (process.getuid?.() !== 0 || mount("-t", "tmpfs", "-o", size, "tmpfs", disk) !== 0) {
    t.skip("not run: only root can mount a small disk");
    return undefined;
  }
  const forget = onExit(() => {
    spawnSync("umount", ["-l", disk]);
  });
  t.after(() => {
    forget();
    assert.equal(spawnSync("umount", [disk]).status, 0);
  });
  return disk;
}

function mount(...args: readonly string[]): number | null {
  return spawnSync("mount", args).status;
}
