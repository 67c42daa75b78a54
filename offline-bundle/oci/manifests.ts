/** The tree inside an OCI layout: index -> manifests -> blobs (image-spec 1.1). */
import { join } from "node:path";
import { inside } from "../io/inside.ts";
import { ambiguousKey, isCount, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { printable } from "../io/printable.ts";
import { readRegular } from "../io/regular-file.ts";

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** Other locations of the bytes. Engines with the containerd image store try these first, whatever address it is. */
  readonly urls?: readonly string[];
}

/** An image manifest or an image index; its keys show which one. */
export interface Manifest {
  /** Its own media type; optional in OCI. */
  readonly mediaType?: string;
  /** Its own artifact type. */
  readonly artifactType?: string;
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** The manifest to which it is attached. */
  readonly subject?: Descriptor;
}

/** The annotation under which a layout keeps a tag. */
export const refName = "org.opencontainers.image.ref.name";

/** A text that is neither a manifest nor an index; the message serves as `found` of a problem. */
export class NoManifest extends Error {}

/**
 * Parses the bytes of a manifest or index.
 *
 * @param mediaType media type in its descriptor; absent for an index.json, which has no descriptor.
 * @throws {NoManifest} for anything else.
 */
export function parseManifest(text: Uint8Array, mediaType?: string): Manifest {
  const value = jsonOf(text);
  if (!isRecord(value)) throw new NoManifest("a text that is not a JSON object");
  const odd = ambiguousKey(Buffer.from(text).toString(), manifestFields);
  if (odd !== undefined) throw new NoManifest(`a key that parsers read differently (${printable(odd)})`);
  const { manifests, layers, config, subject, artifactType, mediaType: own } = value;
  // It names its blobs in another way, and current registries no longer serve it (Distribution 3).
  if (value["schemaVersion"] === 1) throw new NoManifest("an image manifest of Docker's schema 1");
  if (mediaType !== undefined && own !== undefined && own !== mediaType)
    throw new NoManifest("the media type differs from the one in its descriptor");
  // Readers of one media type would see another image than readers of the other (CVE-2021-41190).
  if (given(manifests) && (given(layers) || given(config)))
    throw new NoManifest("both an index and a manifest");
  const named = mediaType ?? own;
  if (
    typeof named === "string" &&
    indexTypes.has(named) &&
    (!given(manifests) || given(config) || given(layers))
  )
    throw new NoManifest("the media type of an index, but the keys of a manifest");
  if (typeof named === "string" && imageTypes.has(named) && given(manifests))
    throw new NoManifest("the media type of an image manifest, but the keys of an index");
  return {
    ...(typeof own === "string" ? { mediaType: own } : {}),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(given(manifests) ? { manifests: descriptors("manifests", manifests) } : {}),
    ...(given(config) ? { config: descriptor("config", config) } : {}),
    ...(given(layers) ? { layers: descriptors("layers", layers) } : {}),
    ...(given(subject) ? { subject: descriptor("subject", subject) } : {}),
  };
}

const descriptorFields = [
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "artifactType",
  "platform",
];
const platformFields = ["architecture", "os", "os.version", "os.features", "variant", "features"];
const descriptorPlaces = ["manifests", "config", "layers", "subject"];
const manifestFields = new Map([
  ["", ["schemaVersion", "mediaType", "artifactType", "annotations", ...descriptorPlaces]],
  ...descriptorPlaces.flatMap((place): [string, string[]][] => [
    [place, descriptorFields],
    [`${place}/platform`, platformFields],
  ]),
]);

/** index.json of a layout. @throws {NoManifest}, {UnusableFile}, or the error of the file system. */
export async function readIndex(directory: string): Promise<Manifest> {
  return parseManifest(await readRegular(join(directory, inside.index), limits.index, "refuse"));
}

/** What a manifest or index consists of. */
export function parts({ manifests = [], config, layers = [] }: Manifest): readonly Descriptor[] {
  return [...manifests, ...(config === undefined ? [] : [config]), ...layers];
}

/**
 * Everything that a manifest or index references: its parts, and the manifest to which it is attached. A copy includes all of
 * that (oras-go, content.Successors).
 */
export function children(manifest: Manifest): readonly Descriptor[] {
  return [...parts(manifest), ...(manifest.subject === undefined ? [] : [manifest.subject])];
}

/** Whether this is a manifest or an index, as opposed to a config or a layer. */
export function isManifest({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return indexTypes.has(mediaType) || imageTypes.has(mediaType);
}

/** Those of OCI and of Docker (https://distribution.github.io/distribution/spec/manifest-v2-2/). */
const indexTypes = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
const imageTypes = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

/** The media type of a manifest: its own, or derived from its keys. */
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

/** Go writes an absent list as null. */
function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function descriptors(key: string, value: unknown): readonly Descriptor[] {
  if (!Array.isArray(value)) throw new NoManifest(`${key} is not a list`);
  return value.map((one, at) => descriptor(`${key}[${at}]`, one));
}

function descriptor(key: string, value: unknown): Descriptor {
  if (!isRecord(value)) throw new NoManifest(`${key} is not a descriptor`);
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
    throw new NoManifest(`${key} is not a list of strings`);
  return value;
}

function texts(key: string, value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw new NoManifest(`${key} has values that are not strings`);
  const entries = Object.entries(value).map(([name, text]): readonly [string, string] => {
    if (typeof text !== "string") throw new NoManifest(`${key} has values that are not strings`);
    return [name, text];
  });
  return Object.fromEntries(entries);
}

function platformOf(key: string, value: unknown): NonNullable<Descriptor["platform"]> {
  const { os, architecture, variant } = isRecord(value) ? value : {};
  if (typeof os !== "string" || typeof architecture !== "string" || !isText(variant))
    throw new NoManifest(`${key} without os and architecture`);
  if ([os, architecture, variant ?? ""].some(({ length }) => length > maxPlatformWord))
    throw new NoManifest(`${key} is too long`);
  return { os, architecture, ...(variant === undefined || variant === "" ? {} : { variant }) };
}

/** Maximum length of an os, an architecture or a variant: each is kept once for every manifest listed under it. */
const maxPlatformWord = 256;

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
