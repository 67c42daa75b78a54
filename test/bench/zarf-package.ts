/** The material as Zarf wants it: its package file, and each image as a tar of its OCI layout. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { $ } from "zx/core";
import { architecture } from "../lab/bundle/engine.ts";
import type { Material } from "./bundle-material.ts";

/** @returns the folder of zarf.yaml. */
export async function writeZarfPackage({ folder, files, images }: Material): Promise<string> {
  const target = join(folder, "zarf");
  await mkdir(target, { recursive: true });
  for (const { layout } of images) {
    const archive = join(target, `${layout}.tar`);
    await $`tar -cf ${archive} -C ${join(folder, layout)} .`;
  }
  const component = {
    name: "all",
    required: true,
    files: files.map(({ file }) => ({ source: `../${file}`, target: `/opt/bench/${file}` })),
    imageArchives: images.map(({ name, layout }) => ({ path: `${layout}.tar`, images: [name] })),
  };
  const metadata = { name: "bench", version: "1.0.0", architecture };
  await writeFile(
    join(target, "zarf.yaml"),
    stringify({ kind: "ZarfPackageConfig", metadata, components: [component] }),
  );
  return target;
}
