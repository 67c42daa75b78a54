/** The tree inside an OCI layout: index -> manifests -> blobs (image-spec 1.1). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "./layout.ts";

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** An image manifest or an image index; which one, its keys tell. */
export interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

/** The annotation under which a layout keeps a tag. */
export const refName = "org.opencontainers.image.ref.name";

/** index.json of a layout. */
export async function readIndex(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, inside.index), "utf8")) as Manifest;
}

/** The manifest or index with this digest. */
export async function readManifest(directory: string, digest: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, inside.blobs, hexOf(digest)), "utf8")) as Manifest;
}

/** Everything a manifest or index points to. */
export function children(manifest: Manifest): readonly Descriptor[] {
  return [
    ...(manifest.manifests ?? []),
    ...(manifest.config === undefined ? [] : [manifest.config]),
    ...(manifest.layers ?? []),
  ];
}

/** Whether this is a manifest or an index, as opposed to a config or a layer. */
export function isManifest({ mediaType }: Descriptor): boolean {
  return manifestTypes.has(mediaType);
}

/** OCI's and Docker's own (https://distribution.github.io/distribution/spec/manifest-v2-2/). */
const manifestTypes = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

/** The 64 hex digits of `sha256:…`. */
export function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, "");
}
