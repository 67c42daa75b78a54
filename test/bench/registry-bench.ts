/** The figures of the registry and the channel: what a second host costs with it, and what it does beside bare curl. */
import { mkdir, rm } from "node:fs/promises";
import { cachePath } from "../lab/cache.ts";
import { ensurePackages } from "../lab/packages/packages.ts";
import { prepareLab } from "../lab/prepare.ts";
import { registrySpeed } from "./registry-speed.ts";
import { secondHost } from "./second-host.ts";

export async function registryBench(): Promise<void> {
  await ensurePackages("bundle", "bench");
  const lab = await prepareLab("registry");
  const folder = cachePath("bench");
  await mkdir(folder, { recursive: true });
  try {
    console.log(`\nThe registry and the channel:\n\n${await registrySpeed(lab.bundle, folder)}\n`);
    console.log(`${await secondHost(lab)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
