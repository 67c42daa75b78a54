/** Images as an OCI layout, written without an engine or a registry. The same input gives the same digests. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { digestOf, digestOfBytes } from "../../../offline-bundle/io/digest.ts";
import { type TarEntry, writeTgz } from "../../support/fixtures/tgz.ts";
import { architecture } from "../bundle/engine.ts";

/** What an image's configuration says of the container; the names are OCI's. */
export interface ContainerConfig {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly StopSignal?: string;
}

export interface Placed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Layer extends Placed {
  /** Its digest before compression, by which an image's configuration names it. */
  readonly diffId: string;
}

const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

export async function writeLayer(layout: string, entries: readonly TarEntry[]): Promise<Layer> {
  await mkdir(blobsOf(layout), { recursive: true });
  const part = join(layout, "layer.part");
  await writeTgz(entries, createWriteStream(part));
  const { bytes, sha256 } = await digestOf(part);
  const unpacked = createHash("sha256");
  for await (const chunk of createReadStream(part).pipe(createGunzip())) unpacked.update(chunk as Buffer);
  await rename(part, join(blobsOf(layout), sha256));
  const digest = `sha256:${sha256}`;
  return { mediaType: types.layer, digest, size: bytes, diffId: `sha256:${unpacked.digest("hex")}` };
}

/** @param name full name, under which bundle.yaml has it and engines know it. */
export async function writeImage(
  layout: string,
  name: string,
  layers: readonly Layer[],
  config: ContainerConfig,
): Promise<object> {
  const described = {
    created: "1970-01-01T00:00:00Z",
    architecture,
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: await put(layout, types.config, described),
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
  const annotations = { "org.opencontainers.image.ref.name": name };
  return { ...(await put(layout, types.manifest, manifest)), annotations };
}

export async function writeIndex(layout: string, manifests: readonly object[]): Promise<void> {
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function blobsOf(layout: string): string {
  return join(layout, "blobs", "sha256");
}

async function put(layout: string, mediaType: string, content: object): Promise<Placed> {
  const text = JSON.stringify(content);
  const { bytes, sha256 } = digestOfBytes(text);
  await writeFile(join(blobsOf(layout), sha256), text);
  return { mediaType, digest: `sha256:${sha256}`, size: bytes };
}
