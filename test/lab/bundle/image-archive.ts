/** The bundle's image on a host, as its user brings it there until a registry does. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import type { LabBundle } from "./bundle.ts";

interface Descriptor {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The image as `docker load` takes it with either image store: docker-archive's manifest.json over the layout's blobs.
 * Source: moby image/tarexport (v26), "manifest.json" of docker save.
 */
export async function imageArchive(bundle: LabBundle): Promise<Buffer> {
  const blob = (digest: string): string =>
    join(bundle.directory, "blobs", "sha256", digest.slice("sha256:".length));
  const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));
  const index = (await json(join(bundle.directory, "index.json"))) as { manifests: readonly Descriptor[] };
  let found = index.manifests.find(({ annotations }) =>
    Object.values(annotations ?? {}).some((tag) => bundle.image.endsWith(tag)),
  );
  if (found === undefined) throw new Error(`no ${bundle.image} in ${bundle.directory}`);
  let manifest = (await json(blob(found.digest))) as {
    manifests?: Descriptor[];
    config: Descriptor;
    layers: Descriptor[];
  };
  while (manifest.manifests?.[0] !== undefined) {
    found = manifest.manifests[0];
    manifest = (await json(blob(found.digest))) as typeof manifest;
  }
  const archive = pack();
  const described = [
    {
      Config: manifest.config.digest.replace(":", "/"),
      RepoTags: [bundle.image],
      Layers: manifest.layers.map(({ digest }) => digest.replace(":", "/")),
    },
  ];
  archive.entry({ name: "manifest.json" }, JSON.stringify(described));
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    archive.entry({ name: digest.replace(":", "/") }, await buffer(createReadStream(blob(digest))));
  }
  archive.finalize();
  return await buffer(archive);
}
