/** Pushes a bundle to a registry: images under their source name, host files under `files/`. */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { placedName } from "../modules/core/image-name.ts";
import type { LockReport } from "./lock.ts";
import { children, hexOf, isManifest, refName } from "./oci/manifests.ts";
import { repositoryOf, tagOf } from "./spec/oci-reference.ts";
import { withOutgoing } from "./oci/outgoing.ts";
import { inParallel } from "./io/parallel.ts";
import { type RegistryClient, type RegistryAccess, withRegistry } from "./oci/registry.ts";
import type { Tree } from "./oci/check-layout.ts";
import { verifyBundle, type VerifyOptions } from "./verify.ts";
import { blobsBelow } from "./oci/walk.ts";

export interface PushOptions extends VerifyOptions, RegistryAccess {
  /** Compares only, and refuses when a tag does not point to the signed digest. */
  readonly check?: boolean;
  readonly report?: LockReport;
}

export interface Pushed {
  readonly serial: number;
  readonly signer: string;
  /** Warnings about the bundle, as {@link VerifiedBundle} has them. */
  readonly warnings: readonly Problem[];
  readonly overridden: readonly Problem[];
  readonly ignoredSignatures: readonly Problem[];
  /** Number of tags of the bundle, and of those that already pointed to the signed digest. */
  readonly tags: number;
  readonly current: number;
  /** Tags that pointed to another digest before. */
  readonly moved: readonly { readonly ref: string; readonly from: string; readonly to: string }[];
  /** Bytes that were sent, and bytes that the registry already had. */
  readonly sentBytes: number;
  readonly skippedBytes: number;
}

/**
 * Verifies the bundle, then pushes what the registry lacks: `docker.io/library/hello:1` becomes
 * `<registry>/docker.io/library/hello:1`, a host file `<registry>/files/<name>:<version>-<os>-<arch>`. Every manifest gets its
 * tag, those below an index included. In the name of a source registry, the colon before the port becomes an underscore:
 * `<registry>/registry.corp_5000/team/app:1`. Everything is pushed by its verified digest. Tags are set only when the registry
 * serves every manifest as it was signed; the registry and its clients check the blobs. An interrupted push can be run again and
 * sends what is missing.
 *
 * @param registry `host[:port][/path]`
 * @throws {SealiftError} what {@link verifyBundle}, {@link withOutgoing} and {@link withRegistry} throw; E_TAG_MOVED when a tag
 * points to another digest after the push, E_REGISTRY when it is missing, or when a manifest is served with other bytes, by its
 * digest or by any tag of the bundle, earlier tags included.
 */
export async function pushBundle(directory: string, registry: string, options: PushOptions): Promise<Pushed> {
  const { serial, signer, warnings, overridden, ignoredSignatures, tree } = await verifyBundle(
    directory,
    options,
  );
  const tags = tagsOf(tree);
  const { report = () => undefined } = options;
  return withRegistry(registry, options, async (place) => {
    report("comparing");
    const readBack = async (tag: Tag): Promise<void> => {
      const name = `${repositoryOf(tag.placed)}@${tag.digest}`;
      refuse(servedProblems(tag, tag.digest, await place.manifest(`${registry}/${name}`), place));
    };
    // A registry may report any digest for a tag: the bytes that it serves for the tag decide.
    const readTag = async (tag: Tag): Promise<void> => {
      refuse(servedProblems(tag, "this tag", await place.manifest(`${registry}/${tag.placed}`), place));
    };
    const before = await resolveAll(tags, place);
    const differing = tags.filter(({ ref, digest }) => before.get(ref) !== digest);
    if (options.check === true) {
      refuse(differing.flatMap((tag) => tagProblems(tag, before, place)));
      report("verifying manifests");
      await everyOne(tags, readBack);
    }
    const sent = new Map<string, number>();
    let count = 0;
    // Manifests below an index are copied with it.
    for (const below of [false, true]) {
      await everyOne(
        differing.filter((tag) => tag.below === below),
        async ({ ref, placed, digest, blobs }) => {
          report(`pushing ${ref}`, count / differing.length);
          const repository = `${registry}/${repositoryOf(placed)}`;
          const words = await withOutgoing(directory, digest, blobs.keys(), tree, (layout) =>
            place.copyFrom(layout, digest, sum(blobs.values()), repository),
          );
          for (const short of words.matchAll(copiedLine)) {
            const blob = [...blobs].find(([sha256]) => sha256.startsWith(short[1] ?? "?"));
            if (blob !== undefined) sent.set(`${repositoryOf(ref)} ${blob[0]}`, blob[1]);
          }
          count += 1;
        },
      );
    }
    report("verifying manifests");
    await everyOne(differing, readBack);
    report("tagging");
    await everyOne(differing, ({ placed, digest }) =>
      place.ask(["tag"], `${registry}/${repositoryOf(placed)}@${digest}`, tagOf(placed) ?? ""),
    );
    const after = await resolveAll(differing, place);
    refuse(differing.flatMap((tag) => tagProblems(tag, after, place)));
    report("verifying tags");
    await everyOne(tags, readTag);
    const all = new Map(
      tags.flatMap(({ ref, blobs }) =>
        [...blobs].map(([sha256, bytes]) => [`${repositoryOf(ref)} ${sha256}`, bytes] as const),
      ),
    );
    const sentBytes = sum(sent.values());
    return {
      serial,
      signer,
      warnings,
      overridden,
      ignoredSignatures,
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

/** Runs work for each tag, several at a time. @throws {SealiftError} the problems of all. */
async function everyOne(tags: readonly Tag[], work: (tag: Tag) => Promise<unknown>): Promise<void> {
  refuse((await inParallel(tags, tagConcurrency, work)).problems);
}

/** Tags at a time: enough to saturate a connection, few enough for a small registry. */
const tagConcurrency = 4;
/** What oras prints about a blob that it has sent: `Copied  298a26f55a6a application/…`. */
const copiedLine = /^Copied +([0-9a-f]{12}) /gm;

interface Tag {
  readonly ref: string;
  /** A tag as a name below the target registry. */
  readonly placed: string;
  readonly digest: string;
  /** The manifest, byte for byte as it was hashed. */
  readonly text: Buffer;
  /** Whether an index of the bundle references it. */
  readonly below: boolean;
  /** Everything that it references, itself included: sha256 -> bytes. */
  readonly blobs: ReadonlyMap<string, number>;
}

function tagsOf(tree: Tree): readonly Tag[] {
  const below = new Set(
    [...tree.manifests.values()].flatMap(({ manifest }) =>
      children(manifest)
        .filter(isManifest)
        .map(({ digest }) => hexOf(digest)),
    ),
  );
  return (tree.index.manifests ?? []).flatMap(({ annotations, digest }) => {
    const ref = annotations?.[refName];
    const own = tree.manifests.get(hexOf(digest));
    if (ref === undefined || own === undefined) return [];
    const blobs = blobsBelow(tree, hexOf(digest));
    return [{ ref, placed: placedName(ref), digest, text: own.text, below: below.has(hexOf(digest)), blobs }];
  });
}

/** A registry must serve what was signed: under its digest before a tag is set, and under the tag. */
function servedProblems(
  { ref, text }: Tag,
  under: string,
  served: Buffer,
  { reference }: RegistryClient,
): readonly Problem[] {
  if (served.equals(text)) return [];
  return [
    {
      where: reference,
      code: "E_REGISTRY",
      subject: ref,
      found: `other bytes under ${under} (${served.length} bytes)`,
      expected: `the ${text.length} bytes that were signed`,
      fix: "find out which server responds instead of the registry, then push again",
    },
  ];
}

async function resolveAll(
  tags: readonly Tag[],
  { reference, resolve }: RegistryClient,
): Promise<ReadonlyMap<string, string | undefined>> {
  const { values, problems } = await inParallel(
    tags,
    tagConcurrency,
    async ({ ref, placed }) => [ref, await resolve(`${reference}/${placed}`)] as const,
  );
  refuse(onePerKind(problems));
  return new Map(values);
}

/** A registry that does not respond is reported once, not for every tag. */
function onePerKind(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter((problem, at) => problems.findIndex(({ code }) => code === problem.code) === at);
}

function tagProblems(
  { ref, digest }: Tag,
  served: ReadonlyMap<string, string | undefined>,
  { reference }: RegistryClient,
): readonly Problem[] {
  const found = served.get(ref);
  if (found === digest) return [];
  const common = { where: reference, subject: ref, expected: `${digest}, as signed` };
  return found === undefined
    ? [{ ...common, code: "E_REGISTRY", found: "no such tag", fix: "push the bundle" }]
    : [
        {
          ...common,
          code: "E_TAG_MOVED",
          found,
          fix: "find out who moved the tag, then push the bundle again",
        },
      ];
}

function sum(bytes: Iterable<number>): number {
  return [...bytes].reduce((all, one) => all + one, 0);
}
