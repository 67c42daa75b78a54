/** An OCI layout as one file for `docker load`, as `docker save` writes it: every image store of an engine can read it. */
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import type { AppImages } from "./app-images.ts";
import type { Placed } from "./image-layout.ts";

/** The classic store reads manifest.json and loses the digests; the containerd store reads index.json and keeps them. */
export async function writeLayoutArchive({ layout, names }: AppImages, target: string): Promise<void> {
  const json = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(join(layout, path), "utf8"));
  const pathOf = ({ digest }: Placed): string => join("blobs", digest.replace(":", "/"));
  const { manifests } = (await json("index.json")) as { readonly manifests: readonly Placed[] };
  const described = await Promise.all(
    manifests.map(async (placed, at) => {
      const manifest = (await json(pathOf(placed))) as {
        readonly config: Placed;
        readonly layers: readonly Placed[];
      };
      return { Config: pathOf(manifest.config), RepoTags: [names[at]], Layers: manifest.layers.map(pathOf) };
    }),
  );
  const index = {
    schemaVersion: 2,
    manifests: manifests.map((placed, at) => ({
      ...placed,
      annotations: { "io.containerd.image.name": names[at], "org.opencontainers.image.ref.name": names[at] },
    })),
  };
  const archive = pack();
  const writing = pipeline(archive, createWriteStream(target));
  const add = async (): Promise<void> => {
    archive.entry({ name: "oci-layout" }, await readFile(join(layout, "oci-layout")));
    archive.entry({ name: "index.json" }, JSON.stringify(index));
    archive.entry({ name: "manifest.json" }, JSON.stringify(described));
    for (const name of (await readdir(join(layout, "blobs", "sha256"))).toSorted()) {
      const path = join("blobs", "sha256", name);
      const { bytes } = await digestOf(join(layout, path));
      await pipeline(createReadStream(join(layout, path)), archive.entry({ name: path, size: bytes }));
    }
    archive.finalize();
  };
  await Promise.all([writing, add()]);
}
