/** compose and buildx for the lab's bundle: Debian's packages, repacked as the single programs that they are, and a Compose of today. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { cachePath } from "../cache.ts";
import { takeOut } from "../packages/deb-files.ts";
import { type Deb, downloadDebs } from "../packages/packages.ts";
import { haveCompose } from "../tools/have-compose.ts";
import { composePlugin } from "../tools/tools.ts";

/** Name in the bundle -> package of trixie. */
const packages = { compose: "docker-compose", buildx: "docker-buildx" } as const;
export type PluginName = keyof typeof packages;
const names = Object.keys(packages) as PluginName[];

export interface Plugin {
  readonly name: PluginName;
  readonly version: string;
  /** Of the package, or of the program where there is none; 64 hex digits. */
  readonly sha256: string;
}

/** Compose in two versions, the newer one first. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} @throws {E_TOOL} */
export async function choosePlugins(report: Report): Promise<readonly Plugin[]> {
  const { version: newest, program } = await haveCompose(report);
  const debs = await pluginDebs(report);
  const packaged = names.map((name) => {
    const { version, sha256 } = debOf(debs, name);
    return { name, version: /^\d+(\.\d+)*/.exec(version)?.[0] ?? version, sha256 };
  });
  return [{ name: "compose", version: newest, sha256: (await digestOf(program)).sha256 }, ...packaged];
}

/** Where {@link takePlugins} puts a plugin, in its folder. */
export function pluginFile({ name, version }: Plugin): string {
  return `docker-${name}-${version}`;
}

export async function takePlugins(plugins: readonly Plugin[], folder: string, report: Report): Promise<void> {
  if (plugins.length === 0) return;
  const debs = await pluginDebs(report);
  for (const plugin of plugins) {
    const target = join(folder, pluginFile(plugin));
    if (plugin.name === "compose" && plugin.version === composePlugin.version) {
      await copyFile((await haveCompose(report)).program, target);
      continue;
    }
    const inside = `usr/libexec/docker/cli-plugins/docker-${plugin.name}`;
    await takeOut(debOf(debs, plugin.name).path, new Map([[inside, target]]));
  }
}

function pluginDebs(report: Report): Promise<readonly Deb[]> {
  return downloadDebs(Object.values(packages), "trixie", cachePath("debs", "plugins"), report);
}

function debOf(debs: readonly Deb[], name: PluginName): Deb {
  const deb = debs.find((one) => one.name === packages[name]);
  if (deb === undefined) throw new Error(`apt gave no ${packages[name]}`);
  return deb;
}
