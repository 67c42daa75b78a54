/** What of a bundle goes into a registry: every tagged manifest, under which name, and the bytes that it names. */
import type { Bundle } from "../../offline-bundle/layout.ts";
import { children, hexOf, isManifest, refName } from "../../offline-bundle/manifests.ts";
import type { Blob } from "../core/blob.ts";

/** One manifest under one tag. */
export interface RegistryManifest {
  /** `docker.io/library/hello`, `files/docker`. */
  readonly repository: string;
  readonly tag: string;
  readonly mediaType: string;
  /** Of the manifest itself. */
  readonly sha256: string;
  readonly bytes: number;
  /** Config and layers. */
  readonly blobs: readonly Pinned[];
}

/** The digest of a blob as 64 hex digits, and its size. */
type Pinned = Pick<Blob, "sha256" | "bytes">;

export interface RegistryContent {
  /** In an order in which each finds what it names. */
  readonly manifests: readonly RegistryManifest[];
  /** Every blob once, manifests among them. */
  readonly blobs: readonly Blob[];
}

/** What a verified bundle has, by the index and manifests that were hashed. */
export function registryContent(bundle: Pick<Bundle, "tree" | "blobPath">): RegistryContent {
  const { index, manifests: known, named } = bundle.tree;
  const pinned = (sha256: string): Pinned => ({ sha256, bytes: named.get(sha256)?.descriptor.size ?? 0 });
  const read = (index.manifests ?? []).map(({ annotations, digest, mediaType }) => {
    const manifest = known.get(hexOf(digest))?.manifest ?? {};
    const blobs = children(manifest).filter((one) => !isManifest(one));
    const [, repository = "", tag = ""] = /^(.*):([^:/]+)$/.exec(annotations?.[refName] ?? "") ?? [];
    const list = manifest.manifests !== undefined;
    const names = [...new Set(blobs.map((one) => hexOf(one.digest)))];
    const one = { repository, tag, mediaType, ...pinned(hexOf(digest)), blobs: names.map(pinned) };
    return { list, manifest: one };
  });
  const tagged = read.filter(({ manifest }) => manifest.tag !== "");
  // A list is taken only when what it lists is there.
  const manifests = [...tagged.filter(({ list }) => !list), ...tagged.filter(({ list }) => list)].map(
    ({ manifest }) => manifest,
  );
  const all = new Set(manifests.flatMap(({ sha256, blobs }) => [sha256, ...blobs.map((one) => one.sha256)]));
  const blobs = [...all].map((sha256) => ({ ...pinned(sha256), path: bundle.blobPath(sha256) }));
  return { manifests, blobs };
}

/**
 * Some engines can be led elsewhere for Docker Hub only, and to a root: there its images stand a second time,
 * as `library/hello` beside `docker.io/library/hello`. It costs a few links.
 */
export function withMirrorNames(manifests: readonly RegistryManifest[]): readonly RegistryManifest[] {
  const hub = "docker.io/";
  return [
    ...manifests,
    ...manifests
      .filter(({ repository }) => repository.startsWith(hub))
      .map((manifest) => ({ ...manifest, repository: manifest.repository.slice(hub.length) })),
  ];
}
