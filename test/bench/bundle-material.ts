/** What the benchmark packs: the engines, tools and images that the lab has anyway, as inputs of a bundle of its own. */
import { cp, link, mkdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { ensureLabBundle, imageElsewhere } from "../lab/bundle/bundle.ts";
import { cachePath } from "../lab/cache.ts";
import { platform } from "../lab/bundle/engine.ts";
import { toolTarball } from "../lab/bundle/tool-tarball.ts";
import { ensureSigningKey, type SigningKey } from "../lab/bundle/signing-key.ts";
import type { Tools } from "../lab/tools/ensure-tools.ts";
import type { Report } from "../support/process/stages.ts";

export interface HostFile {
  readonly name: string;
  readonly version: string;
  readonly kind: "engine" | "archive" | "binary";
  /** Name below {@link Material.folder}. */
  readonly file: string;
  readonly bytes: number;
  /** The same for bundle.yaml. */
  readonly url: string;
}

export interface Image {
  /** Full name. */
  readonly name: string;
  /** OCI layout below {@link Material.folder}. */
  readonly layout: string;
}

export interface Material {
  /** Removed with everything in it when the benchmark ends. */
  readonly folder: string;
  readonly files: readonly HostFile[];
  readonly images: readonly Image[];
  readonly bundleFile: string;
  readonly lockFile: string;
  readonly key: SigningKey;
}

/** Collects it in a fresh folder; files are linked, not copied. */
export async function bundleMaterial(tools: Tools, report: Report): Promise<Material> {
  const usual = await ensureLabBundle("one", report);
  const newest = await ensureLabBundle("registry", report);
  const folder = cachePath("bench", "material");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const take = async (from: string, file: string): Promise<Pick<HostFile, "file" | "bytes" | "url">> => {
    const real = await realpath(from);
    await link(real, join(folder, file));
    return { file, bytes: (await stat(real)).size, url: `file:${file}` };
  };
  const engine = async ({ directory, engineVersion }: typeof usual): Promise<HostFile> => {
    const file = `docker-${engineVersion}.tgz`;
    const taken = await take(join(dirname(directory), file), file);
    return { name: "docker", version: engineVersion, kind: "engine", ...taken };
  };
  const program = async (name: string): Promise<HostFile> => {
    const version =
      tools.installed.find((had) => had.name === name)?.version ?? tools.installed[0]?.version ?? "0";
    return { name, version, kind: "binary", ...(await take(join(tools.binDir, name), name)) };
  };
  const registry = toolTarball("registry");
  const archive = await take(join(dirname(newest.directory), registry.file), registry.file);
  const files: readonly HostFile[] = [
    await engine(usual),
    await engine(newest),
    { name: "registry", version: registry.version, kind: "archive", ...archive },
    ...(await Promise.all(["pulumi", "pulumi-language-nodejs", "oras"].map(program))),
  ];
  const images = [
    { name: newest.image, layout: "image" },
    { name: imageElsewhere, layout: "image-elsewhere" },
  ];
  for (const { layout } of images)
    await cp(join(dirname(newest.directory), layout), join(folder, layout), { recursive: true });
  const bundleFile = join(folder, "bundle.yaml");
  await writeFile(bundleFile, wishes(files, images));
  const key = await ensureSigningKey(cachePath("bundle", "key"));
  return { folder, files, images, bundleFile, lockFile: join(folder, "bundle.lock.yaml"), key };
}

/** What a bundle of one platform wants. */
export interface FileWish extends Pick<HostFile, "name" | "version" | "kind"> {
  readonly url: string;
}

/** The same kind of file that a team writes. */
export function wishes(files: readonly FileWish[], images: readonly Image[] = []): string {
  return stringify({
    platforms: [platform],
    minOrigin: "unverified",
    files: files.map(({ name, version, kind, url }) => ({
      ...{ name, kind, versions: [version], licence: "Apache-2.0", url },
    })),
    images: images.map(({ name, layout }) => ({ name, from: `file:${layout}` })),
  });
}
