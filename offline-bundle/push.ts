/** Sends a bundle to a registry: images under the name of their source, host files under `files/`. */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { placedName } from "../modules/core/image-name.ts";
import type { Report } from "./lock.ts";
import { children, hexOf, isManifest, refName } from "./manifests.ts";
import { repositoryOf, tagOf } from "./oci-reference.ts";
import { withOutgoing } from "./outgoing.ts";
import { inParallel } from "./parallel.ts";
import { type Registry, type RegistryAccess, withRegistry } from "./registry.ts";
import type { Tree } from "./tree.ts";
import { verifyBundle, type VerifyOptions } from "./verify.ts";
import { blobsBelow } from "./walk.ts";

export interface PushOptions extends VerifyOptions, RegistryAccess {
  /** Only compares, and refuses when a tag is not what was signed. */
  readonly check?: boolean;
  readonly report?: Report;
}

export interface Pushed {
  readonly serial: number;
  readonly signer: string;
  /** What to tell of the bundle although it passed, as {@link VerifiedBundle} has it. */
  readonly warnings: readonly Problem[];
  readonly waived: readonly Problem[];
  readonly passedOver: readonly Problem[];
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
 * its tag, also those below an index. A registry with a port stands there with an underscore before it: `<registry>/registry.corp_5000/team/app:1`. Everything goes out by the digests that were verified; tags are set only when the registry
 * serves every manifest as it was signed; blobs are left to the registry and to those who pull them. A push that was interrupted is run again and sends what is missing.
 *
 * @param registry `host[:port][/path]`
 * @throws {SealiftError} what {@link verifyBundle}, {@link withOutgoing} and {@link withRegistry} throw; E_TAG_MOVED when a tag stands for
 * something else after the push, E_REGISTRY when it is not there, or when a manifest is served with other bytes: to those who ask for
 * it by its digest, or by any tag of the bundle, also one that was there before.
 */
export async function pushBundle(directory: string, registry: string, options: PushOptions): Promise<Pushed> {
  const { serial, signer, warnings, waived, passedOver, tree } = await verifyBundle(directory, options);
  const tags = tagsOf(tree);
  const { report = () => undefined } = options;
  return withRegistry(registry, options, async (place) => {
    report("comparing");
    const readBack = async (tag: Tag): Promise<void> => {
      const name = `${repositoryOf(tag.placed)}@${tag.digest}`;
      refuse(servedProblems(tag, tag.digest, await place.manifest(`${registry}/${name}`), place));
    };
    // A registry may say any digest of a tag: what counts is what it serves to those who ask by the tag.
    const readTag = async (tag: Tag): Promise<void> => {
      refuse(servedProblems(tag, "this tag", await place.manifest(`${registry}/${tag.placed}`), place));
    };
    const before = await resolveAll(tags, place);
    const differing = tags.filter(({ ref, digest }) => before.get(ref) !== digest);
    if (options.check === true) {
      refuse(differing.flatMap((tag) => tagProblems(tag, before, place)));
      report("reading back");
      await everyOne(tags, readBack);
    }
    const sent = new Map<string, number>();
    let count = 0;
    // What lies below an index goes with it.
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
    report("reading back");
    await everyOne(differing, readBack);
    report("tagging");
    await everyOne(differing, ({ placed, digest }) =>
      place.ask(["tag"], `${registry}/${repositoryOf(placed)}@${digest}`, tagOf(placed) ?? ""),
    );
    const after = await resolveAll(differing, place);
    refuse(differing.flatMap((tag) => tagProblems(tag, after, place)));
    report("reading tags");
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
      waived,
      passedOver,
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

/** The same for each tag, several at a time. @throws {SealiftError} the problems of all. */
async function everyOne(tags: readonly Tag[], work: (tag: Tag) => Promise<unknown>): Promise<void> {
  refuse((await inParallel(tags, atOnce, work)).problems);
}

/** Tags at a time: enough to fill a line, few enough for a small registry. */
const atOnce = 4;
/** What oras says of a blob that it has sent: `Copied  298a26f55a6a application/…`. */
const copiedLine = /^Copied +([0-9a-f]{12}) /gm;

interface Tag {
  readonly ref: string;
  /** The same as a name below another registry. */
  readonly placed: string;
  readonly digest: string;
  /** The manifest, byte for byte as it was hashed. */
  readonly text: Buffer;
  /** Whether an index of the bundle names it. */
  readonly below: boolean;
  /** Everything that it reaches, itself too: sha256 -> bytes. */
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

/** What a registry serves has to be what was signed: under its digest before a tag is made to stand for it, and under the tag. */
function servedProblems(
  { ref, text }: Tag,
  under: string,
  served: Buffer,
  { reference }: Registry,
): readonly Problem[] {
  if (served.equals(text)) return [];
  return [
    {
      where: reference,
      code: "E_REGISTRY",
      subject: ref,
      got: `other bytes under ${under}: ${served.length} of them`,
      expected: `the ${text.length} bytes that were signed`,
      todo: "find out what answers in place of the registry, then push again",
    },
  ];
}

async function resolveAll(
  tags: readonly Tag[],
  { reference, resolve }: Registry,
): Promise<ReadonlyMap<string, string | undefined>> {
  const { values, problems } = await inParallel(
    tags,
    atOnce,
    async ({ ref, placed }) => [ref, await resolve(`${reference}/${placed}`)] as const,
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
