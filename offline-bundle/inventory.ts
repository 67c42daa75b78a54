/** What the air-gapped side has: the digests in a bundle directory or in a registry, for `build --exclude-inventory`. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { checkBlobs } from "./oci/blobs.ts";
import { bundleFiles } from "./oci/bundle-files.ts";
import type { BundleInventory } from "./archive/delta.ts";
import { parseBundleManifest, readBundleManifestText } from "./oci/layout.ts";
import { noManifest } from "./oci/manifest-at.ts";
import {
  parts,
  hexOf,
  isDigest,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
} from "./oci/manifests.ts";
import { limits } from "./io/limits.ts";
import { inParallel } from "./io/parallel.ts";
import { type RegistryClient, type RegistryAccess, TooMany, withRegistry } from "./oci/registry.ts";
import { basename, resolve } from "node:path";

export interface Counted {
  readonly inventory: BundleInventory;
  readonly bytes: number;
  /** Names of blobs that exist but do not match their digest: they are not listed, so that a delta includes them. */
  readonly broken: readonly string[];
}

/** Reads and hashes all blobs of a bundle. @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_DIGEST (its manifest) */
export async function inventoryOfBundle(
  directory: string,
  progress?: (bytes: number, total: number) => void,
): Promise<Counted> {
  const { serial } = parseBundleManifest(await readBundleManifestText(directory), directory);
  const { found, broken } = await checkBlobs(directory, await bundleFiles(directory), progress);
  return counted({ bundle: basename(resolve(directory)), serial }, found, [...broken].sort());
}

/**
 * Lists every tag of every repository below a path of a registry, and everything that those tags reference. A consistent registry
 * has the blobs of each manifest that it has.
 *
 * @param registry `host[:port][/path]`
 * @param bounds how much the registry may list. Default {@link limits}.
 * @throws {SealiftError} what {@link withRegistry} throws; E_REGISTRY when it lists more.
 */
export async function inventoryOfRegistry(
  registry: string,
  access: RegistryAccess,
  report: (text: string) => void = () => undefined,
  bounds: Bounds = limits,
): Promise<Counted> {
  return withRegistry(registry, access, async (place) => {
    const contents: RegistryContents = { blobs: new Map(), manifestBytes: 0, tags: 0, over: false };
    const repositories = await place.list(["repo", "ls"], registry, bounds.repositories, "repositories");
    const { problems } = await inParallel(repositories, concurrency, async (name) => {
      if (contents.over) return;
      report(name);
      await visitRepository(place, `${registry}/${name}`, contents, bounds).catch((error: unknown) => {
        contents.over ||= error instanceof TooMany;
        throw error;
      });
    });
    refuse(problems);
    return counted({ registry }, contents.blobs, []);
  });
}

/** An interrupted push leaves repositories without a tag: Distribution lists them, and then answers NAME_UNKNOWN. */
function noneWhenUntagged(error: unknown): readonly string[] {
  if (error instanceof SealiftError && error.problems.every(({ found }) => /name unknown/i.test(found)))
    return [];
  throw error;
}

/** The total number of repositories, tags and blobs that a registry may list, and the bytes of its manifests. */
export type Bounds = Readonly<Record<"repositories" | "tags" | "blobs" | "manifests", number>>;

/** Repositories at a time. */
const concurrency = 4;

interface RegistryContents {
  /** sha256 -> bytes. */
  readonly blobs: Map<string, number>;
  manifestBytes: number;
  tags: number;
  /** A limit was exceeded: all workers stop. */
  over: boolean;
}

async function visitRepository(
  place: RegistryClient,
  repository: string,
  contents: RegistryContents,
  bounds: Bounds,
): Promise<void> {
  const left = bounds.tags - contents.tags;
  const tags = await place.list(["repo", "tags"], repository, left, "tags").catch(noneWhenUntagged);
  contents.tags += tags.length;
  for (const tag of tags) await visit(place, repository, `${repository}:${tag}`, contents, bounds);
}

async function visit(
  place: RegistryClient,
  repository: string,
  reference: string,
  contents: RegistryContents,
  bounds: Bounds,
): Promise<void> {
  const { blobs } = contents;
  const digest = reference.includes("@") ? reference.replace(/^.*@/, "") : await place.resolve(reference);
  if (!isDigest(digest) || blobs.has(hexOf(digest))) return;
  const text = await place.manifest(`${repository}@${digest}`);
  blobs.set(hexOf(digest), text.length);
  contents.manifestBytes += text.length;
  if (contents.manifestBytes > bounds.manifests)
    throw new TooMany(place.reference, "bytes of manifests", bounds.manifests);
  for (const child of parts(manifestOf(reference, text))) {
    if (!isManifest(child)) blobs.set(hexOf(child.digest), child.size);
    else if (!blobs.has(hexOf(child.digest)))
      await visit(place, repository, `${repository}@${child.digest}`, contents, bounds);
    if (blobs.size > bounds.blobs) throw new TooMany(place.reference, "blobs", bounds.blobs);
  }
}

function manifestOf(reference: string, text: Buffer): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? noManifest(reference, error.message) : error;
  }
}

function counted(
  of: BundleInventory["of"],
  found: ReadonlyMap<string, number>,
  broken: readonly string[],
): Counted {
  const bytes = [...found.values()].reduce((sum, one) => sum + one, 0);
  return { inventory: { format: 1, of, digests: [...found.keys()].sort() }, bytes, broken };
}
