/** A bundle of a few kilobytes in a folder of its own: two engines' worth of files, one program and a two-platform image. */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { buildBundle } from "../../offline-bundle/build.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { oras } from "../../offline-bundle/oras.ts";
import { cachePath } from "../lab/cache.ts";
import { writeScratchImage } from "../lab/scratch-image.ts";
import { ensureSigningKey } from "../lab/signing-key.ts";
import { writeTgz } from "./tgz.ts";

export interface TinyBundle {
  /** Holds all of it; `remove` deletes it. */
  readonly folder: string;
  readonly bundleFile: string;
  readonly lockFile: string;
  readonly store: string;
  /** Signing key, and the file that allows it. */
  readonly key: string;
  readonly allowedSigners: string;
  /** The built and signed bundle. */
  readonly directory: string;
  readonly remove: () => Promise<void>;
}

export const tinyImage = "docker.io/library/hello:1";

/** Writes the inputs, locks, builds and signs. */
export async function makeTinyBundle(ballastBytes = 0, engineBytes = 0): Promise<TinyBundle> {
  const tiny = await makeTinyInputs(ballastBytes, engineBytes);
  try {
    await lockBundle(tiny);
    await buildBundle(tiny);
    return tiny;
  } catch (error) {
    await tiny.remove();
    throw error;
  }
}

/**
 * The inputs and the key alone: no lock and no bundle yet.
 *
 * @param ballastBytes length of one more file, which does not compress; 0: no such file.
 * @param engineBytes by which an engine is longer than its two programs.
 */
export async function makeTinyInputs(ballastBytes = 0, engineBytes = 0): Promise<TinyBundle> {
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", "bundle-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true });
  try {
    await writeFiles(folder, engineBytes);
    await writeTwoPlatformImage(folder);
    if (ballastBytes > 0) await writeFile(join(folder, "ballast"), randomBytes(ballastBytes));
    const files = [...wanted.files, ...(ballastBytes > 0 ? [ballast] : [])];
    await writeFile(join(folder, "bundle.yaml"), stringify({ ...wanted, files }));
    const { file: key, allowedSigners } = await ensureSigningKey(join(folder, "key"));
    return {
      folder,
      bundleFile: join(folder, "bundle.yaml"),
      lockFile: join(folder, "bundle.lock.yaml"),
      store: join(folder, "store"),
      key,
      allowedSigners,
      directory: join(folder, "bundle"),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A copy of the built bundle, to be damaged. */
export async function copyOf({ directory, folder }: TinyBundle): Promise<string> {
  const copy = join(await mkdtemp(join(folder, "copy-")), "bundle");
  await cp(directory, copy, { recursive: true });
  return copy;
}

const wanted = {
  // Nobody has published these.
  minOrigin: "unverified",
  platforms: ["linux/amd64", "linux/arm64"],
  files: [
    {
      name: "docker",
      kind: "engine",
      versions: ["28.5.2"],
      licence: "Apache-2.0",
      url: "file:docker-{arch}-{version}.tgz",
    },
    {
      name: "compose",
      kind: "binary",
      versions: ["5.5.1"],
      licence: "Apache-2.0",
      url: "file:compose-{arch}",
    },
  ],
  images: [{ name: tinyImage, from: "file:image" }],
};

const ballast = {
  name: "ballast",
  kind: "binary",
  versions: ["1"],
  licence: "Apache-2.0",
  url: "file:ballast",
};

async function writeFiles(folder: string, engineBytes: number): Promise<void> {
  for (const arch of ["amd64", "arm64"] as const) {
    await writeTgz(
      [
        { path: "docker/", directory: true },
        { path: "docker/dockerd", content: `dockerd for ${arch}\n` },
        { path: "docker/runc", content: `runc for ${arch}\n` },
        ...(engineBytes > 0 ? [{ path: "docker/ballast", content: randomBytes(engineBytes) }] : []),
      ],
      createWriteStream(join(folder, `docker-${arch}-28.5.2.tgz`)),
    );
    await writeFile(join(folder, `compose-${arch}`), `compose for ${arch}\n`);
  }
}

async function writeTwoPlatformImage(folder: string): Promise<void> {
  const layout = join(folder, "image");
  await writeFile(join(folder, "busybox"), "not really busybox\n");
  for (const arch of ["amd64", "arm64"] as const) {
    await writeScratchImage(join(folder, "busybox"), arch, arch, layout);
  }
  await oras(
    ["manifest", "index", "create", "--oci-layout-path", "."],
    [tinyImage, "amd64", "arm64"],
    layout,
  );
}
