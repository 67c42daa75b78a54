/** Bytes to transfer after one patch release of the engine, if the air-gapped side has the previous bundle. */
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { builtEngines } from "../lab/bundle/built-engine.ts";
import type { Report } from "../support/process/stages.ts";
import { table } from "../support/process/table.ts";
import { type HostFile, type Material, wishes } from "./bundle-material.ts";
import { inSeconds, megabytes, times } from "./figures.ts";
import { verb } from "./sealift-verb.ts";

/** @returns lines to print. */
export async function deltaBytes(material: Material, report: Report): Promise<string> {
  const { files, images, key, folder } = material;
  const engines = await Promise.all(
    (await builtEngines(report)).map(({ engine, pack }) => packed(engine.version, pack)),
  );
  const [before, after] = engines;
  if (before === undefined || after === undefined)
    throw new Error("the lab has two engines of one minor version");
  const rest = files.filter(({ kind }) => kind !== "engine");
  const build = async (engine: HostFile, ...more: readonly string[]): Promise<string> => {
    const at = (name: string): string => join(folder, `${name}-${engine.version}`);
    const pins = ["--file", `${at("delta")}.yaml`, "--lock", `${at("delta")}.lock.yaml`];
    await writeFile(`${at("delta")}.yaml`, wishes([engine, ...rest], images));
    await verb("lock", ...pins);
    await verb("build", at("delta"), ...pins, "--key", key.file, ...more);
    return at("delta");
  };
  const have = join(folder, "delta-have.json");
  const [full, delta] = [join(folder, "delta-whole.tar.zst"), join(folder, "delta.tar.zst")];
  await verb("inventory", await build(before), "-o", have);
  const next = await build(after, "--archive", full);
  const pack = await verb("pack", next, delta, "--exclude-inventory", have);
  const bytes = { full: (await stat(full)).size, delta: (await stat(delta)).size };
  const row = (what: string, carried: number): string[] => [
    what,
    megabytes(carried),
    times(carried / bytes.full),
  ];
  const text = [
    `Engine ${before.version} -> ${after.version}, everything else as it was; the far side has the bundle before:`,
    table([
      ["carried", "bytes", "of the whole"],
      row("the whole bundle", bytes.full),
      row("the delta (build --exclude-inventory)", bytes.delta),
      row("the engine's tarball alone", after.bytes),
    ]),
    `The delta takes ${inSeconds(pack)} to pack. Both engines are of one source here; only what dockerd says of itself differs.`,
  ].join("\n");
  await Promise.all([full, delta].map((file) => rm(file)));
  return text;

  async function packed(version: string, pack?: (target: string) => Promise<void>): Promise<HostFile> {
    const file = `patch-${version}.tgz`;
    await mkdir(folder, { recursive: true });
    await pack?.(join(folder, file));
    const { size } = await stat(join(folder, file));
    return { name: "docker", version, kind: "engine", file, bytes: size, url: `file:${file}` };
  }
}
