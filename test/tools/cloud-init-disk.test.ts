import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { cachePath } from "../lab/cache.ts";
import { cloudInitFiles, writeCloudInitDisk } from "../lab/vm/cloud-init.ts";

const keys = { publicKey: "ssh-ed25519 LOGIN", hostKey: "ssh-ed25519 HOST" };

test("the cloud-init disk has the label that cloud-init looks for, and both files byte for byte", async () => {
  mkdirSync(cachePath("test"), { recursive: true });
  const folder = mkdtempSync(cachePath("test", "seed-"));
  try {
    const disk = join(folder, "seed.img");
    const content = cloudInitFiles("ops", keys, "k");
    await writeCloudInitDisk(content, disk);
    const run = promisify(execFile);
    assert.match((await run("mlabel", ["-i", disk, "-s", "::"])).stdout, /CIDATA/);
    for (const [name, text] of Object.entries(content))
      assert.equal((await run("mtype", ["-i", disk, `::${name}`])).stdout, text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
