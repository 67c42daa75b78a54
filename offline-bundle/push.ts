/** Sends a bundle to a registry: images under the name of their source, host files under `files/`. */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { blobOf } from "./carried-order.ts";
import type { Report } from "./lock.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  readIndex,
  readManifest,
  refName,
} from "./manifests.ts";
import { repositoryOf } from "./oci-reference.ts";
import { inParallel } from "./parallel.ts";
import { type Registry, type RegistryAccess, withRegistry } from "./registry.ts";
import { verifyBundle, type VerifyOptions } from "./verify.ts";

export interface PushOptions extends VerifyOptions, RegistryAccess {
  /** Only compares, and refuses when a tag is not what was signed. */
  readonly check?: boolean;
  readonly report?: Report;
}

export interface Pushed {
  readonly serial: number;
  readonly signer: string;
  /** All tags of the bundle, and how many of them stood for what was signed before. */
  readonly tags: number;
  readonly current: number;
  /** Tags that stood for something else before. */
  readonly moved: readonly { readonly ref: string; readonly from: string; readonly to: string }[];
  /** Bytes that went out, and those that the registry had. */
  readonly sentBytes: number;
  readonly skippedBytes: number;
}

/**
 * Verifies the bundle, then pushes what the registry does not have: `docker.io/library/hello:1` becomes
 * `<registry>/docker.io/library/hello:1`, a host file `<registry>/files/<name>:<version>-<os>-<arch>`. Every manifest gets
 * its tag, also those below an index. A push that was interrupted is run again and sends what is missing.
 *
 * @param registry `host[:port][/path]`
 * @throws {SealiftError} what {@link verifyBundle} and {@link withRegistry} throw; E_TAG_MOVED when a tag stands for
 * something else after the push, E_REGISTRY when it is not there.
 */
export async function pushBundle(directory: string, registry: string, options: PushOptions): Promise<Pushed> {
  const { serial, signer } = await verifyBundle(directory, options);
  const tags = await tagsOf(directory);
  const { report = () => undefined } = options;
  return withRegistry(registry, options, async (place) => {
    report("comparing");
    const before = await resolveAll(tags, place);
    const differing = tags.filter(({ ref, digest }) => before.get(ref) !== digest);
    if (options.check === true) refuse(differing.flatMap((tag) => tagProblems(tag, before, place)));
    const sent = new Map<string, number>();
    let count = 0;
    // What lies below an index goes with it: the tags of the parts are set when it is there.
    for (const below of [false, true]) {
      const { problems } = await inParallel(
        differing.filter((tag) => tag.below === below),
        atOnce,
        async ({ ref, blobs }) => {
          report(`pushing ${ref}`, count / differing.length);
          const words = await place.copyFrom(directory, ref, `${registry}/${ref}`);
          for (const short of words.matchAll(copiedLine)) {
            const blob = [...blobs].find(([sha256]) => sha256.startsWith(short[1] ?? "?"));
            if (blob !== undefined) sent.set(`${repositoryOf(ref)} ${blob[0]}`, blob[1]);
          }
          count += 1;
        },
      );
      refuse(problems);
    }
    const after = await resolveAll(differing, place);
    refuse(differing.flatMap((tag) => tagProblems(tag, after, place)));
    const all = new Map(
      tags.flatMap(({ ref, blobs }) =>
        [...blobs].map(([sha256, bytes]) => [`${repositoryOf(ref)} ${sha256}`, bytes] as const),
      ),
    );
    const sentBytes = sum(sent.values());
    return {
      serial,
      signer,
      tags: tags.length,
      current: tags.length - differing.length,
      moved: differing.flatMap(({ ref, digest }) => {
        const from = before.get(ref);
        return from === undefined ? [] : [{ ref, from, to: digest }];
      }),
      sentBytes,
      skippedBytes: sum(all.values()) - sentBytes,
    };
  });
}

/** Tags at a time: enough to fill a line, few enough for a small registry. */
const atOnce = 4;
/** What oras says of a blob that it has sent: `Copied  298a26f55a6a application/…`. */
const copiedLine = /^Copied +([0-9a-f]{12}) /gm;

interface Tag {
  readonly ref: string;
  readonly digest: string;
  /** Whether an index of the bundle names it. */
  readonly below: boolean;
  /** Everything that it reaches, itself too: sha256 -> bytes. */
  readonly blobs: ReadonlyMap<string, number>;
}

async function tagsOf(directory: string): Promise<readonly Tag[]> {
  const below = new Set<string>();
  const collect = async (descriptor: Descriptor, into: Map<string, number>): Promise<void> => {
    const { sha256, bytes } = blobOf(descriptor);
    if (into.has(sha256)) return;
    into.set(sha256, bytes);
    if (!isManifest(descriptor)) return;
    for (const child of children(await readManifest(directory, descriptor.digest))) {
      if (isManifest(child)) below.add(hexOf(child.digest));
      await collect(child, into);
    }
  };
  const tags: { ref: string; digest: string; blobs: Map<string, number> }[] = [];
  for (const top of (await readIndex(directory)).manifests ?? []) {
    const ref = top.annotations?.[refName];
    if (ref === undefined) continue;
    const blobs = new Map<string, number>();
    await collect(top, blobs);
    tags.push({ ref, digest: top.digest, blobs });
  }
  return tags.map((tag) => ({ ...tag, below: below.has(hexOf(tag.digest)) }));
}

async function resolveAll(
  tags: readonly Tag[],
  { reference, resolve }: Registry,
): Promise<ReadonlyMap<string, string | undefined>> {
  const { values, problems } = await inParallel(
    tags,
    atOnce,
    async ({ ref }) => [ref, await resolve(`${reference}/${ref}`)] as const,
  );
  refuse(onePerKind(problems));
  return new Map(values);
}

/** A registry that does not answer says so once, not for every tag. */
function onePerKind(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter((problem, at) => problems.findIndex(({ code }) => code === problem.code) === at);
}

function tagProblems(
  { ref, digest }: Tag,
  found: ReadonlyMap<string, string | undefined>,
  { reference }: Registry,
): readonly Problem[] {
  const got = found.get(ref);
  if (got === digest) return [];
  const common = { where: reference, subject: ref, expected: `${digest}, as signed` };
  return got === undefined
    ? [{ ...common, code: "E_REGISTRY", got: "no such tag", todo: "push the bundle" }]
    : [{ ...common, code: "E_TAG_MOVED", got, todo: "find out who moved it, then push the bundle" }];
}

function sum(bytes: Iterable<number>): number {
  return [...bytes].reduce((all, one) => all + one, 0);
}
