/** What the far side has: the digests in a bundle directory or in a registry, for `build --have`. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { checkBlobs } from "./blobs.ts";
import { bundleFiles } from "./bundle-files.ts";
import type { Inventory } from "./delta.ts";
import { parseSeal, readSealText } from "./layout.ts";
import { noManifest } from "./manifest-at.ts";
import { parts, hexOf, isDigest, isManifest, type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { limits } from "./limits.ts";
import { inParallel } from "./parallel.ts";
import { type Registry, type RegistryAccess, TooMany, withRegistry } from "./registry.ts";
import { basename, resolve } from "node:path";

export interface Counted {
  readonly inventory: Inventory;
  readonly bytes: number;
  /** Names of blobs that are there but are not what they must be: they are not counted, so that a delta brings them. */
  readonly broken: readonly string[];
}

/** Reads and hashes all blobs of a bundle. @throws {SealiftError} E_BUNDLE_MISSING, E_BUNDLE_DIGEST (its text) */
export async function inventoryOfBundle(
  directory: string,
  progress?: (bytes: number, total: number) => void,
): Promise<Counted> {
  const { serial } = parseSeal(await readSealText(directory), directory);
  const { found, broken } = await checkBlobs(directory, await bundleFiles(directory), progress);
  return counted({ bundle: basename(resolve(directory)), serial }, found, [...broken].sort());
}

/**
 * Asks a registry for every tag of every repository below a path, and for what they name. A registry that is as it should
 * be has the blobs of each manifest that it has.
 *
 * @param registry `host[:port][/path]`
 * @param bounds how much of it is believed. Default {@link limits}.
 * @throws {SealiftError} what {@link withRegistry} throws; E_REGISTRY when it speaks of more.
 */
export async function inventoryOfRegistry(
  registry: string,
  access: RegistryAccess,
  report: (text: string) => void = () => undefined,
  bounds: Bounds = limits,
): Promise<Counted> {
  return withRegistry(registry, access, async (place) => {
    const seen: Seen = { blobs: new Map(), manifestBytes: 0, tags: 0, over: false };
    const repositories = await place.list(["repo", "ls"], registry, bounds.repositories, "repositories");
    const { problems } = await inParallel(repositories, atOnce, async (name) => {
      if (seen.over) return;
      report(name);
      await visitRepository(place, `${registry}/${name}`, seen, bounds).catch((error: unknown) => {
        seen.over ||= error instanceof TooMany;
        throw error;
      });
    });
    refuse(problems);
    return counted({ registry }, seen.blobs, []);
  });
}

/** A push that was cut off leaves repositories without a tag: Distribution lists them, and then does not know them. */
function noneWhenUntagged(error: unknown): readonly string[] {
  if (error instanceof SealiftError && error.problems.every(({ got }) => /name unknown/i.test(got)))
    return [];
  throw error;
}

/** How many repositories, tags and blobs a registry may have in all, and bytes of manifests. */
export type Bounds = Readonly<Record<"repositories" | "tags" | "blobs" | "manifests", number>>;

/** Repositories at a time. */
const atOnce = 4;

interface Seen {
  /** sha256 -> bytes. */
  readonly blobs: Map<string, number>;
  manifestBytes: number;
  tags: number;
  /** It was too much: nobody goes on. */
  over: boolean;
}

async function visitRepository(
  place: Registry,
  repository: string,
  seen: Seen,
  bounds: Bounds,
): Promise<void> {
  const left = bounds.tags - seen.tags;
  const tags = await place.list(["repo", "tags"], repository, left, "tags").catch(noneWhenUntagged);
  seen.tags += tags.length;
  for (const tag of tags) await visit(place, repository, `${repository}:${tag}`, seen, bounds);
}

async function visit(
  place: Registry,
  repository: string,
  reference: string,
  seen: Seen,
  bounds: Bounds,
): Promise<void> {
  const { blobs: found } = seen;
  const digest = reference.includes("@") ? reference.replace(/^.*@/, "") : await place.resolve(reference);
  if (!isDigest(digest) || found.has(hexOf(digest))) return;
  const text = await place.manifest(`${repository}@${digest}`);
  found.set(hexOf(digest), text.length);
  seen.manifestBytes += text.length;
  if (seen.manifestBytes > bounds.manifests)
    throw new TooMany(place.reference, "bytes of manifests", bounds.manifests);
  for (const child of parts(manifestOf(reference, text))) {
    if (!isManifest(child)) found.set(hexOf(child.digest), child.size);
    else if (!found.has(hexOf(child.digest)))
      await visit(place, repository, `${repository}@${child.digest}`, seen, bounds);
    if (found.size > bounds.blobs) throw new TooMany(place.reference, "blobs", bounds.blobs);
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
  of: Inventory["of"],
  found: ReadonlyMap<string, number>,
  broken: readonly string[],
): Counted {
  const bytes = [...found.values()].reduce((sum, one) => sum + one, 0);
  return { inventory: { format: 1, of, digests: [...found.keys()].sort() }, bytes, broken };
}
