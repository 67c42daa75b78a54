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
  /** 64 hex digits. */
  readonly sha256: string;
  /** Config and layers, 64 hex digits each. */
  readonly blobs: readonly string[];
}

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
      const sha256s = [...new Set(blobs.map((one) => hexOf(one.digest)))];
      return { list, manifest: { repository, tag, mediaType, sha256: hexOf(digest), blobs: sha256s } };
    }),
  );
  const tagged = read.filter(({ manifest }) => manifest.tag !== "");
  // A list is taken only when what it lists is there.
  const manifests = [...tagged.filter(({ list }) => !list), ...tagged.filter(({ list }) => list)].map(
    ({ manifest }) => manifest,
  );
  const names = new Set(manifests.flatMap(({ sha256, blobs }) => [sha256, ...blobs]));
  const blobs = await Promise.all(
    [...names].map(async (sha256) => {
      const path = bundle.blobPath(sha256);
      return { sha256, path, bytes: (await stat(path)).size };
    }),
  );
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
