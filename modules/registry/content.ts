/** What of a bundle goes into a registry: every tagged manifest, under which name, and the bytes that it names. */
import { stat } from "node:fs/promises";
import type { Bundle } from "../../offline-bundle/layout.ts";
import {
  children,
  hexOf,
  isManifest,
  readIndex,
  readManifest,
  refName,
} from "../../offline-bundle/manifests.ts";
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

/** Reads a bundle that has been verified. */
export async function registryContent(bundle: Bundle): Promise<RegistryContent> {
  const index = await readIndex(bundle.directory);
  const read = await Promise.all(
    (index.manifests ?? []).map(async ({ annotations, digest, mediaType }) => {
      const named = await readManifest(bundle.directory, digest);
      const blobs = children(named).filter((one) => !isManifest(one));
      const [, repository = "", tag = ""] = /^(.*):([^:/]+)$/.exec(annotations?.[refName] ?? "") ?? [];
      const list = named.manifests !== undefined;
      const names = [...new Set(blobs.map((one) => hexOf(one.digest)))];
      return { list, named: { repository, tag, mediaType, sha256: hexOf(digest), names } };
    }),
  );
  const tagged = read.filter(({ named }) => named.tag !== "");
  // A list is taken only when what it lists is there.
  const ordered = [...tagged.filter(({ list }) => !list), ...tagged.filter(({ list }) => list)].map(
    ({ named }) => named,
  );
  const all = new Set(ordered.flatMap(({ sha256, names }) => [sha256, ...names]));
  const blobs = await Promise.all(
    [...all].map(async (sha256) => {
      const path = bundle.blobPath(sha256);
      return { sha256, path, bytes: (await stat(path)).size };
    }),
  );
  const sizes = new Map(blobs.map(({ sha256, bytes }) => [sha256, bytes]));
  const pinned = (sha256: string): Pinned => ({ sha256, bytes: sizes.get(sha256) ?? 0 });
  const manifests = ordered.map(({ sha256, names, ...rest }) => ({
    ...rest,
    ...pinned(sha256),
    blobs: names.map(pinned),
  }));
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
