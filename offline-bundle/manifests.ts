/** The tree inside an OCI layout: index -> manifests -> blobs (image-spec 1.1). */
import { join } from "node:path";
import { inside } from "./inside.ts";
import { isCount, isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { readRegular } from "./regular-file.ts";

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** Where else its bytes are. Engines with containerd's store ask there first, whatever address it is. */
  readonly urls?: readonly string[];
}

/** An image manifest or an image index; which one, its keys tell. */
export interface Manifest {
  /** What it says of itself; OCI does not ask for it. */
  readonly mediaType?: string;
  /** What kind of artifact it says that it is. */
  readonly artifactType?: string;
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** The manifest to which it is attached. */
  readonly subject?: Descriptor;
}

/** The annotation under which a layout keeps a tag. */
export const refName = "org.opencontainers.image.ref.name";

/** A text that is no manifest and no index; its message says what is wrong with it, in the words of `got`. */
export class NoManifest extends Error {}

/**
 * Reads the bytes of a manifest or index.
 *
 * @param mediaType what named it says that it is; absent: of an index.json, which nobody names.
 * @throws {NoManifest} for everything that is not one, whatever it is.
 */
export function parseManifest(text: Uint8Array, mediaType?: string): Manifest {
  const value = jsonOf(text);
  if (!isRecord(value)) throw new NoManifest("a text that is no JSON object");
  const { manifests, layers, config, subject, artifactType, mediaType: own } = value;
  // Its blobs are named in other words, and nobody serves it any more (Distribution 3).
  if (value["schemaVersion"] === 1) throw new NoManifest("an image manifest of Docker's schema 1");
  if (mediaType !== undefined && own !== undefined && own !== mediaType)
    throw new NoManifest("another media type than what names it says");
  // Whoever reads one of the two sees another image than whoever reads the other (CVE-2021-41190).
  if (given(manifests) && (given(layers) || given(config)))
    throw new NoManifest("an index and a manifest in one");
  const named = mediaType ?? own;
  if (
    typeof named === "string" &&
    indexTypes.has(named) &&
    (!given(manifests) || given(config) || given(layers))
  )
    throw new NoManifest("an index by its media type, and none by its keys");
  if (typeof named === "string" && imageTypes.has(named) && given(manifests))
    throw new NoManifest("an image manifest by its media type, and an index by its keys");
  return {
    ...(typeof own === "string" ? { mediaType: own } : {}),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(given(manifests) ? { manifests: descriptors("manifests", manifests) } : {}),
    ...(given(config) ? { config: descriptor("config", config) } : {}),
    ...(given(layers) ? { layers: descriptors("layers", layers) } : {}),
    ...(given(subject) ? { subject: descriptor("subject", subject) } : {}),
  };
}

/** index.json of a layout. @throws {NoManifest}, {UnusableFile}, or the error of the file system. */
export async function readIndex(directory: string): Promise<Manifest> {
  return parseManifest(await readRegular(join(directory, inside.index), limits.index, "refuse"));
}

/** What a manifest or index is made of. */
export function parts({ manifests = [], config, layers = [] }: Manifest): readonly Descriptor[] {
  return [...manifests, ...(config === undefined ? [] : [config]), ...layers];
}

/**
 * Everything a manifest or index names: what it is made of, and what it is attached to. Whoever copies it copies all of that (oras-go,
 * content.Successors).
 */
export function children(manifest: Manifest): readonly Descriptor[] {
  return [...parts(manifest), ...(manifest.subject === undefined ? [] : [manifest.subject])];
}

/** Whether this is a manifest or an index, as opposed to a config or a layer. */
export function isManifest({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return indexTypes.has(mediaType) || imageTypes.has(mediaType);
}

/** OCI's and Docker's own (https://distribution.github.io/distribution/spec/manifest-v2-2/). */
const indexTypes = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
const imageTypes = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

/** What a manifest is, for those who name it: its own word, or what its keys say. */
export function mediaTypeOf({ mediaType, manifests }: Manifest): string {
  const kind = manifests === undefined ? "manifest" : "index";
  return mediaType ?? `application/vnd.oci.image.${kind}.v1+json`;
}

/** The 64 hex digits of `sha256:…`. */
export function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, "");
}

/** Whether a text is `sha256:` and 64 hex digits. */
export function isDigest(text: unknown): text is string {
  return typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);
}

/** Go writes a list that it does not have as null. */
function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function descriptors(key: string, value: unknown): readonly Descriptor[] {
  if (!Array.isArray(value)) throw new NoManifest(`${key} that are no list`);
  return value.map((one, at) => descriptor(`${key}[${at}]`, one));
}

function descriptor(key: string, value: unknown): Descriptor {
  if (!isRecord(value)) throw new NoManifest(`${key} that is no descriptor`);
  const { mediaType, digest, size, annotations, platform, urls } = value;
  if (typeof mediaType !== "string" || !mediaTypes.test(mediaType))
    throw new NoManifest(`${key} without a media type`);
  if (!isDigest(digest)) {
    const other = typeof digest === "string" ? /^(sha384|sha512|blake3):/.exec(digest)?.[1] : undefined;
    throw new NoManifest(
      other === undefined ? `${key} without a sha256 digest` : `${key} with a ${other} digest`,
    );
  }
  if (!isCount(size)) throw new NoManifest(`${key} without a size`);
  return {
    ...{ mediaType, digest, size },
    ...(given(annotations) ? { annotations: texts(`${key}.annotations`, annotations) } : {}),
    ...(given(platform) ? { platform: platformOf(`${key}.platform`, platform) } : {}),
    ...(given(urls) ? { urls: addresses(`${key}.urls`, urls) } : {}),
  };
}

/** RFC 6838, 4.2. */
const mediaTypes = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/;

function addresses(key: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
    throw new NoManifest(`${key} that are no list of texts`);
  return value;
}

function texts(key: string, value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw new NoManifest(`${key} that are no texts`);
  const entries = Object.entries(value).map(([name, text]): readonly [string, string] => {
    if (typeof text !== "string") throw new NoManifest(`${key} that are no texts`);
    return [name, text];
  });
  return Object.fromEntries(entries);
}

function platformOf(key: string, value: unknown): NonNullable<Descriptor["platform"]> {
  const { os, architecture, variant } = isRecord(value) ? value : {};
  if (typeof os !== "string" || typeof architecture !== "string" || !isText(variant))
    throw new NoManifest(`${key} without os and architecture`);
  if ([os, architecture, variant ?? ""].some(({ length }) => length > mostPlatformWord))
    throw new NoManifest(`${key} longer than that of any machine`);
  return { os, architecture, ...(variant === undefined || variant === "" ? {} : { variant }) };
}

/** Characters of an os, an architecture or a variant: each is kept once for everything that is listed under it. */
const mostPlatformWord = 256;

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
