/** The content of a bundle for a registry: its tagged manifests, their names, and the bytes that they reference. */
import type { Bundle } from "../../offline-bundle/oci/layout.ts";
import { carriedPackages } from "../../offline-bundle/npm/carried-packages.ts";
import { partTag } from "../../offline-bundle/oci/lock-tags.ts";
import { children, type Descriptor, hexOf, isManifest, refName } from "../../offline-bundle/oci/manifests.ts";
import type { Tree } from "../../offline-bundle/oci/check-layout.ts";
import { manifestsBelow } from "../../offline-bundle/oci/walk.ts";
import type { Blob } from "../core/host/blob.ts";
import { type Problem, refuse } from "../core/errors.ts";
import { placedName } from "../core/image-name.ts";

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
  /** In an order in which each comes after everything that it references. */
  readonly manifests: readonly RegistryManifest[];
  /** Every blob once, manifests among them. */
  readonly blobs: readonly Blob[];
}

/** The content of a verified bundle for hosts, from the index and manifests that were hashed: no host fetches an npm package. */
export function registryContent(bundle: Pick<Bundle, "tree" | "blobPath">): RegistryContent {
  const { tree } = bundle;
  const pinned = (sha256: string): Pinned => ({
    sha256,
    bytes: tree.named.get(sha256)?.descriptor.size ?? 0,
  });
  const order = new Map(childrenFirst(tree).map((hex, at) => [hex, at]));
  const manifests = refsOf(tree)
    .map(({ ref, descriptor: { digest, mediaType } }): RegistryManifest => {
      const sha256 = hexOf(digest);
      const own = children(tree.manifests.get(sha256)?.manifest ?? {}).filter((one) => !isManifest(one));
      const [, repository = "", tag = ""] = /^(.*):([^:/]+)$/.exec(placedName(ref)) ?? [];
      const names = [...new Set(own.map((one) => hexOf(one.digest)))];
      return { repository, tag, mediaType, ...pinned(sha256), blobs: names.map(pinned) };
    })
    // A list is taken only when what it lists is there.
    .sort((a, b) => (order.get(a.sha256) ?? 0) - (order.get(b.sha256) ?? 0));
  refuse(sharedTags(manifests));
  const all = new Set(manifests.flatMap(({ sha256, blobs }) => [sha256, ...blobs.map((one) => one.sha256)]));
  const blobs = [...all].map((sha256) => ({ ...pinned(sha256), path: bundle.blobPath(sha256) }));
  return { manifests, blobs };
}

/** Every tag of every manifest: its own, or a tag of the index above it. */
function refsOf(tree: Tree): readonly { readonly ref: string; readonly descriptor: Descriptor }[] {
  const packages = new Set(carriedPackages(tree).map(({ manifest }) => manifest));
  const tops = (tree.index.manifests ?? []).flatMap((descriptor) => {
    const ref = descriptor.annotations?.[refName];
    return ref === undefined || packages.has(hexOf(descriptor.digest)) ? [] : [{ ref, descriptor }];
  });
  const below = tops.flatMap(({ ref, descriptor: top }) =>
    manifestsBelow(tree, hexOf(top.digest))
      .filter(({ digest }) => digest !== top.digest)
      .map((descriptor) => ({ ref: partTag(ref, descriptor.digest), descriptor })),
  );
  return [...new Map([...tops, ...below].map((one) => [one.ref, one])).values()];
}

/** sha256 of all manifests: each comes after everything that it references. */
function childrenFirst(tree: Tree): readonly string[] {
  const lists = (hex: string): boolean => tree.manifests.get(hex)?.manifest.manifests !== undefined;
  const all = (tree.index.manifests ?? []).flatMap(({ digest }) => manifestsBelow(tree, hexOf(digest)));
  const hexes = [...new Set(all.map(({ digest }) => hexOf(digest)))];
  return [...hexes.filter((hex) => !lists(hex)), ...hexes.filter(lists)];
}

/**
 * Some engines support a mirror for Docker Hub only, with names at the root: for them its images are stored a second time, as
 * `library/hello` beside `docker.io/library/hello`. That costs a few links.
 *
 * @throws {SealiftError} E_CONFLICT when the name is taken: by a host file, or by an image of a registry whose name is the first
 * component of a Docker Hub repository.
 */
export function withMirrorNames(manifests: readonly RegistryManifest[]): readonly RegistryManifest[] {
  const hub = "docker.io/";
  const all = [
    ...manifests,
    ...manifests
      .filter(({ repository }) => repository.startsWith(hub))
      .map((manifest) => ({ ...manifest, repository: manifest.repository.slice(hub.length) })),
  ];
  refuse(sharedTags(all));
  return all;
}

/** One tag points to one manifest: every host would get the one that was written last. */
function sharedTags(manifests: readonly RegistryManifest[]): readonly Problem[] {
  const first = new Map<string, string>();
  return manifests.flatMap(({ repository, tag, sha256 }): readonly Problem[] => {
    const name = `${repository}:${tag}`;
    const other = first.get(name) ?? sha256;
    first.set(name, other);
    if (other === sha256) return [];
    const [found, expected] = [`sha256:${other} and sha256:${sha256} under one tag`, "one manifest per tag"];
    const fix = "remove one of the two from bundle.yaml, or rename it";
    return [{ where: "the registry", code: "E_CONFLICT", subject: name, found, expected, fix }];
  });
}
