/** The walk over an OCI tree: from descriptors down to everything that they reference. The caller supplies the bytes. */
import { type Problem, refuse } from "../../modules/core/errors.ts";
import { limits } from "../io/limits.ts";
import { children, type Descriptor, hexOf, isManifest, type Manifest } from "./manifests.ts";
import { inParallel } from "../io/parallel.ts";

/** A manifest, and its bytes. */
export interface TreeManifest {
  readonly manifest: Manifest;
  readonly text: Buffer;
}

export interface Named {
  readonly descriptor: Descriptor;
  /** Name of the referrer, for messages: a tag, or `index.json`. */
  readonly owner: string;
}

/** How manifests and blobs are connected. */
export interface Graph {
  /** sha256 -> each valid manifest that is reachable. */
  readonly manifests: ReadonlyMap<string, TreeManifest>;
  /** sha256 -> everything that is reachable, as described by its first referrer. */
  readonly named: ReadonlyMap<string, Named>;
}

export interface Walked extends Graph {
  /** sha256 of manifests that exist and are invalid; they are among the problems. */
  readonly broken: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export interface WalkMessages {
  /** Another descriptor gives the same digest with another length. */
  readonly otherLength: (descriptor: Descriptor, first: Descriptor) => Problem;
  /** Another descriptor gives the same digest with another media type, and one of the two is that of a manifest or index. */
  readonly otherType: (descriptor: Descriptor, first: Descriptor) => Problem;
  /** There are more manifests than may be held in memory. */
  readonly tooMany: () => Problem;
}

/**
 * Walks level by level, reads each manifest once, and descends only into valid manifests.
 *
 * @param read returns a checked manifest, the problem of an invalid one, or undefined when it is missing.
 * @throws {SealiftError} what `read` throws.
 */
export async function walk(
  roots: readonly Named[],
  read: (named: Named) => Promise<TreeManifest | Problem | undefined>,
  words: WalkMessages,
): Promise<Walked> {
  const manifests = new Map<string, TreeManifest>();
  const named = new Map<string, Named>();
  const broken = new Set<string>();
  const problems: Problem[] = [];
  const requested = new Set<string>();
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
      if (!isManifest(descriptor) || requested.has(hex)) continue;
      requested.add(hex);
      bytes += descriptor.size;
      if (bytes > limits.manifests || requested.size > limits.manifestCount) {
        problems.push(words.tooMany());
        return { manifests, named, broken, problems };
      }
      toRead.push(next);
    }
    const found = await inParallel(toRead, readConcurrency, async (one) => ({ one, found: await read(one) }));
    refuse(found.problems);
    level = found.values.flatMap(({ one, found }): readonly Named[] => {
      const hex = hexOf(one.descriptor.digest);
      if (found === undefined) return [];
      if ("code" in found) {
        problems.push(found);
        broken.add(hex);
        return [];
      }
      manifests.set(hex, found);
      return children(found.manifest).map((descriptor) => ({ descriptor, owner: one.owner }));
    });
  }
  return { manifests, named, broken, problems };
}

/**
 * Whether engines interpret the content differently under the two types. A layer may have Docker's type or OCI's, which are
 * equivalent.
 */
function readsOtherwise(one: Descriptor, other: Descriptor): boolean {
  return one.mediaType !== other.mediaType && (isManifest(one) || isManifest(other));
}

/** Enough to keep a connection or a disk busy; each read may be a process of its own. */
const readConcurrency = 4;

/** A manifest and everything that it references, itself included: sha256 -> bytes. */
export function blobsBelow({ manifests, named }: Graph, top: string): ReadonlyMap<string, number> {
  const seen = new Set([top]);
  // Grows during the loop.
  for (const hex of seen)
    for (const { digest } of children(manifests.get(hex)?.manifest ?? {})) seen.add(hexOf(digest));
  return new Map([...seen].map((hex) => [hex, named.get(hex)?.descriptor.size ?? 0]));
}

/** The manifests below one manifest, itself last: each comes after everything that it references, as registries require it. */
export function manifestsBelow({ manifests, named }: Graph, top: string): readonly Descriptor[] {
  const order: Descriptor[] = [];
  const entered = new Set<string>();
  const left = new Set<string>();
  // Not recursive: untrusted manifests decide how deep the tree is.
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
