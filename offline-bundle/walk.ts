/** The one walk over an OCI tree: from descriptors down to everything that they reach. Where the bytes lie is the caller's. */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { limits } from "./limits.ts";
import { children, type Descriptor, hexOf, isManifest, type Manifest } from "./manifests.ts";
import { inParallel } from "./parallel.ts";

/** A manifest, and its bytes. */
export interface TreeManifest {
  readonly manifest: Manifest;
  readonly text: Buffer;
}

export interface Named {
  readonly descriptor: Descriptor;
  /** What people call the one that names it: a tag, or `index.json`. */
  readonly owner: string;
}

/** What manifests and blobs hang on each other. */
export interface Graph {
  /** sha256 -> each manifest that is reached and that is what it must be. */
  readonly manifests: ReadonlyMap<string, TreeManifest>;
  /** sha256 -> everything that is reached, as the first one describes it that names it. */
  readonly named: ReadonlyMap<string, Named>;
}

export interface Walked extends Graph {
  /** sha256 of manifests that are there and are not what they must be; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export interface Words {
  /** Somebody names the same digest with another length. */
  readonly otherLength: (descriptor: Descriptor, first: Descriptor) => Problem;
  /** Somebody names the same digest with another media type, and one of the two is that of a manifest or index. */
  readonly otherType: (descriptor: Descriptor, first: Descriptor) => Problem;
  /** There are more manifests than may be held in memory. */
  readonly tooMany: () => Problem;
}

/**
 * Walks level by level, reads each manifest once, and goes below those alone that are what they must be.
 *
 * @param read gives a manifest that was checked, the problem of one that is not what it must be, or undefined when it is not there.
 * @throws {SealiftError} what `read` throws.
 */
export async function walk(
  roots: readonly Named[],
  read: (named: Named) => Promise<TreeManifest | Problem | undefined>,
  words: Words,
): Promise<Walked> {
  const manifests = new Map<string, TreeManifest>();
  const named = new Map<string, Named>();
  const broken = new Set<string>();
  const problems: Problem[] = [];
  const asked = new Set<string>();
  let bytes = 0;
  for (let level = roots; level.length > 0;) {
    const toRead: Named[] = [];
    for (const next of level) {
      const { descriptor } = next;
      const hex = hexOf(descriptor.digest);
      const first = named.get(hex);
      if (first === undefined) named.set(hex, next);
      else if (first.descriptor.size !== descriptor.size)
        problems.push(words.otherLength(descriptor, first.descriptor));
      else if (readsOtherwise(descriptor, first.descriptor))
        problems.push(words.otherType(descriptor, first.descriptor));
      if (!isManifest(descriptor) || asked.has(hex)) continue;
      asked.add(hex);
      bytes += descriptor.size;
      if (bytes > limits.manifests || asked.size > limits.manifestCount) {
        problems.push(words.tooMany());
        return { manifests, named, broken, problems };
      }
      toRead.push(next);
    }
    const found = await inParallel(toRead, readsAtOnce, async (one) => ({ one, got: await read(one) }));
    refuse(found.problems);
    level = found.values.flatMap(({ one, got }): readonly Named[] => {
      const hex = hexOf(one.descriptor.digest);
      if (got === undefined) return [];
      if ("code" in got) {
        problems.push(got);
        broken.add(hex);
        return [];
      }
      manifests.set(hex, got);
      return children(got.manifest).map((descriptor) => ({ descriptor, owner: one.owner }));
    });
  }
  return { manifests, named, broken, problems };
}

/** Whether engines read other things there by one name than by the other. A layer has Docker's and OCI's type by turns, and is the same. */
function readsOtherwise(one: Descriptor, other: Descriptor): boolean {
  return one.mediaType !== other.mediaType && (isManifest(one) || isManifest(other));
}

/** Enough to keep a line or a disk busy; each may be a process of its own. */
const readsAtOnce = 4;

/** A manifest and everything that it reaches, itself too: sha256 -> bytes. */
export function blobsBelow({ manifests, named }: Graph, top: string): ReadonlyMap<string, number> {
  const seen = new Set([top]);
  // Grows while it is walked.
  for (const hex of seen)
    for (const { digest } of children(manifests.get(hex)?.manifest ?? {})) seen.add(hexOf(digest));
  return new Map([...seen].map((hex) => [hex, named.get(hex)?.descriptor.size ?? 0]));
}

/** The manifests that one reaches, itself last: each stands after all that it names, as registries want to get them. */
export function manifestsBelow({ manifests, named }: Graph, top: string): readonly Descriptor[] {
  const order: Descriptor[] = [];
  const entered = new Set<string>();
  const left = new Set<string>();
  // No recursion: whoever has written the manifests says how deep they go.
  const waiting = [top];
  for (let hex = waiting.at(-1); hex !== undefined; hex = waiting.at(-1)) {
    if (!entered.has(hex)) {
      entered.add(hex);
      const below = children(manifests.get(hex)?.manifest ?? {}).filter(isManifest);
      waiting.push(...below.map(({ digest }) => hexOf(digest)).filter((one) => !entered.has(one)));
      continue;
    }
    waiting.pop();
    const descriptor = named.get(hex)?.descriptor;
    if (left.has(hex) || descriptor === undefined) continue;
    left.add(hex);
    order.push(descriptor);
  }
  return order;
}
