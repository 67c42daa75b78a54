/** What the far side has: the digests in a bundle directory or in a registry, for `build --have`. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { checkBlobs } from "./blobs.ts";
import { bundleFiles } from "./bundle-files.ts";
import type { Inventory } from "./delta.ts";
import { parseSeal, readSealText } from "./layout.ts";
import { noManifest } from "./manifest-at.ts";
import {
  children,
  hexOf,
  isDigest,
  isManifest,
  type Manifest,
  NoManifest,
  parseManifest,
} from "./manifests.ts";
import { inParallel } from "./parallel.ts";
import { type Registry, type RegistryAccess, withRegistry } from "./registry.ts";
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
 * @throws {SealiftError} what {@link withRegistry} throws.
 */
export async function inventoryOfRegistry(
  registry: string,
  access: RegistryAccess,
  report: (text: string) => void = () => undefined,
): Promise<Counted> {
  return withRegistry(registry, access, async (place) => {
    const found = new Map<string, number>();
    const repositories = lines(await place.ask(["repo", "ls"], registry));
    const { problems } = await inParallel(repositories, atOnce, async (name) => {
      report(name);
      const repository = `${registry}/${name}`;
      for (const tag of lines(await place.ask(["repo", "tags"], repository).catch(noneWhenUntagged)))
        await visit(place, repository, `${repository}:${tag}`, found);
    });
    refuse(problems);
    return counted({ registry }, found, []);
  });
}

/** A push that was cut off leaves repositories without a tag: Distribution lists them, and then does not know them. */
function noneWhenUntagged(error: unknown): string {
  if (error instanceof SealiftError && error.problems.every(({ got }) => /name unknown/i.test(got)))
    return "";
  throw error;
}

/** Repositories at a time. */
const atOnce = 4;

async function visit(
  place: Registry,
  repository: string,
  reference: string,
  found: Map<string, number>,
): Promise<void> {
  const digest = reference.includes("@") ? reference.replace(/^.*@/, "") : await place.resolve(reference);
  if (!isDigest(digest) || found.has(hexOf(digest))) return;
  const text = await place.manifest(`${repository}@${digest}`);
  found.set(hexOf(digest), text.length);
  for (const child of children(manifestOf(reference, text))) {
    if (!isManifest(child)) found.set(hexOf(child.digest), child.size);
    else if (!found.has(hexOf(child.digest)))
      await visit(place, repository, `${repository}@${child.digest}`, found);
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

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
