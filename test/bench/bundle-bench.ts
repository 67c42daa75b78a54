/**
 * The figures of the bundle, each beside something that does the same or less in the same run: sha256sum, curl, Zarf. They
 * are this machine's, under whatever else it does; the ratios are what counts.
 */
import { availableParallelism } from "node:os";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cachePath } from "../lab/cache.ts";
import { ensurePackages } from "../lab/packages/packages.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { runStages } from "../support/process/stages.ts";
import { againstZarf } from "./against-zarf.ts";
import { type Material, bundleMaterial } from "./bundle-material.ts";
import { deltaBytes } from "./delta-bytes.ts";
import { pushTime } from "./push-time.ts";
import { verb } from "./sealift-verb.ts";
import { verbMemory } from "./verb-memory.ts";
import { verifySpeed } from "./verify-speed.ts";
import { haveZarf } from "./zarf.ts";

/** Needs 15 GB of disk for its time, and some minutes; the first run builds Zarf. */
export async function bundleBench(): Promise<void> {
  await ensurePackages("bundle", "bench");
  await mkdir(cachePath("bench"), { recursive: true });
  try {
    const { material, zarf } = await prepare();
    console.log(`\nBundles, on ${availableParallelism()} cores:\n`);
    const print = (text: string): void => {
      console.log(`${text}\n`);
    };
    print(await againstZarf(material, zarf));
    const { allowedSigners } = material.key;
    const host = { directory: join(material.folder, "bundle"), allowedSigners };
    print(await pushTime(host, material.folder));
    print(await deltaBytes(material, () => undefined));
    const memory = await verbMemory(cachePath("bench", "memory"));
    print(memory.text);
    print(await verifySpeed([host, memory.bundle]));
  } finally {
    await rm(cachePath("bench"), { recursive: true, force: true });
  }
}

async function prepare(): Promise<{ readonly material: Material; readonly zarf: string }> {
  let material: Material | undefined;
  let zarf: string | undefined;
  await runStages([
    {
      title: "the tools, the engines and the images are here, and pinned",
      run: async (report) => {
        material = await bundleMaterial(await useTools(report), report);
        await verb("lock", "--file", material.bundleFile, "--lock", material.lockFile);
      },
    },
    {
      title: "Zarf is here",
      run: async (report) => {
        zarf = await haveZarf(report);
      },
    },
  ]);
  if (material === undefined || zarf === undefined) throw new Error("a stage ended without its result");
  return { material, zarf };
}
