/**
 * What an image name stands for, looked at before it is pinned and once more before it is packed: whatever a bundle cannot carry to a host,
 * or what would not run there, is refused here by its name, and nowhere later.
 */
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { digestOfBytes } from "./digest.ts";
import { isPlatformName } from "./image-platforms.ts";
import type { ImageSource } from "./image-source.ts";
import { isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  mediaTypeOf,
  NoManifest,
  parseManifest,
} from "./manifests.ts";
import { repositoryOf, tagOf } from "./oci-reference.ts";
import { inParallel } from "./parallel.ts";
import { printable } from "./printable.ts";
import { type Graph, type TreeManifest, walk } from "./walk.ts";

/** The image that people mean: its name, and where bundle.yaml has it. */
export interface ImageName {
  readonly name: string;
  readonly where?: string;
}

export interface ImageContent extends Graph {
  /** Names the manifest or index of the image. */
  readonly top: Descriptor;
  /** Of everything that runs, each once; in the order of the index. */
  readonly platforms: readonly string[];
}

/**
 * Reads every manifest below a digest.
 *
 * @throws {SealiftError} E_IMAGE for what is no container image or what no bundle can carry; E_DOWNLOAD for what is not there, E_PIN for
 * bytes of another digest, and what the source throws: another place may have the right ones.
 */
export async function imageContent(
  image: ImageName,
  digest: string,
  source: ImageSource,
): Promise<ImageContent> {
  const say = sayer(image, source);
  const first = await source.manifest(digest);
  if (first === undefined)
    throw new SealiftError([say("E_DOWNLOAD", `no manifest ${digest} in ${source.place}`, there, gone)]);
  const parsed = checked(first, { digest, size: first.length }, say);
  if ("code" in parsed) throw new SealiftError([parsed]);
  const mediaType = mediaTypeOf(parsed.manifest);
  const top: Descriptor = { mediaType, digest, size: first.length };
  if (!isManifest(top)) throw new SealiftError([notAnImage(image, parsed.manifest, say)]);
  const graph = await walk(
    [{ descriptor: top, owner: image.name }],
    async ({ descriptor }) => {
      if (descriptor.digest === digest) return parsed;
      const text = await source.manifest(descriptor.digest);
      return text === undefined ? undefined : checked(text, descriptor, say);
    },
    {
      otherLength: ({ digest: one, size }, { size: other }) =>
        say("E_IMAGE", `two lengths of ${one}: ${other} and ${size} bytes`, "one", ask),
      otherType: ({ digest: one, mediaType: type }, { mediaType: other }) =>
        say("E_IMAGE", `two media types of ${one}: ${printable(other)} and ${printable(type)}`, "one", ask),
      tooMany: () => say("E_IMAGE", `more than ${limits.manifestCount} manifests`, "fewer", ask),
    },
  );
  refuse(graph.problems);
  const leaves = leavesOf(graph, top, say);
  refuse([
    ...carriageProblems(graph, leaves, image, say),
    ...absentProblems(graph, leaves, image, say),
    ...(await blobProblems(graph, source, say)),
  ]);
  if (!leaves.some(({ manifest }) => whyNot(manifest) === undefined))
    throw new SealiftError([notAnImage(image, parsed.manifest, say)]);
  const running = leaves.filter(({ manifest }) => whyNot(manifest) === undefined);
  const found =
    parsed.manifest.manifests === undefined
      ? running
      : running.filter(({ platform }) => platform !== undefined);
  if (found.length === 0) throw new SealiftError([withoutPlatform(leaves, image, say)]);
  return { ...graph, top, platforms: await platformsOf(found, source, say) };
}

/** Bytes that all of it takes, each once. */
export function contentBytes({ named }: Graph): number {
  return [...named.values()].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}

type Say = (code: "E_IMAGE" | "E_DOWNLOAD" | "E_PIN", got: string, expected: string, todo: string) => Problem;

function sayer({ name, where }: ImageName, { place }: ImageSource): Say {
  return (code, got, expected, todo) => ({ where: where ?? place, code, subject: name, got, expected, todo });
}

const ask = "ask who pushed it to push it again";
const there = "every manifest and blob that the image names";
const gone = "check the name; when it was there before, ask who pushed it to push it again";

/** A manifest whose bytes are those that were named. */
function checked(
  text: Buffer,
  { digest, size, mediaType }: Pick<Descriptor, "digest" | "size"> & { readonly mediaType?: string },
  say: Say,
): TreeManifest | Problem {
  const { sha256, bytes } = digestOfBytes(text);
  if (sha256 !== hexOf(digest))
    return say("E_PIN", `sha256:${sha256} in place of ${digest}`, "the bytes of that digest", "try again");
  if (bytes !== size) return say("E_IMAGE", `${bytes} bytes of ${digest}`, `${size}, as its index says`, ask);
  try {
    return { manifest: parseManifest(text, mediaType), text };
  } catch (error) {
    if (!(error instanceof NoManifest)) throw error;
    const sha512 = /with a (\w+) digest/.test(error.message);
    return say(
      "E_IMAGE",
      `${error.message} in ${digest}`,
      sha512
        ? "sha256 digests alone: a bundle names every blob by its sha256"
        : "an image that engines and registries of today take",
      "have it built and pushed again, with a present-day tool",
    );
  }
}

/** A manifest that an index lists, or the image itself when there is no index. */
interface Leaf {
  readonly descriptor: Descriptor;
  /** Its own in the index, or that of the list in which it is; undefined: none is written. */
  readonly platform: Descriptor["platform"];
  /** Undefined when it is not there. */
  readonly manifest: Manifest | undefined;
}

/** @throws {SealiftError} E_IMAGE for more of them than any image has: lists that share what they list have their product. */
function leavesOf({ manifests }: Graph, top: Descriptor, say: Say): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const seen = new Set<string>();
  const waiting: Pick<Leaf, "descriptor" | "platform">[] = [];
  const add = (descriptor: Descriptor, platform: Leaf["platform"]): void => {
    const key = `${descriptor.digest} ${platformName(platform) ?? ""}`;
    if (seen.has(key)) return;
    if (seen.size === mostLeaves)
      throw new SealiftError([say("E_IMAGE", `more than ${mostLeaves} parts`, "fewer", ask)]);
    seen.add(key);
    waiting.push({ descriptor, platform });
  };
  add(top, undefined);
  // Grows while it is walked.
  for (const { descriptor, platform } of waiting) {
    const manifest = manifests.get(hexOf(descriptor.digest))?.manifest;
    if (manifest?.manifests === undefined) {
      leaves.push({ descriptor, platform, manifest });
      continue;
    }
    // What a list has no platform for, is found below it by no engine, whatever is written there.
    const outer = descriptor === top ? undefined : platform;
    const isLost = descriptor !== top && platform === undefined;
    for (const one of manifest.manifests) add(one, isLost ? undefined : (one.platform ?? outer));
  }
  return leaves;
}

/** Manifests and indexes below an image, each once for every platform under which it is listed. */
const mostLeaves = 4_000;

/** Why no engine runs this; undefined when one does. */
function whyNot(manifest: Manifest | undefined): string | undefined {
  const config = manifest?.config?.mediaType;
  if (manifest === undefined || config === undefined) return "no config";
  const known = artifacts.get(config);
  if (known !== undefined) return known;
  if (!imageConfigs.has(config)) return `an OCI artifact (${printable(manifest.artifactType ?? config)})`;
  const other = (manifest.layers ?? []).find((layer) => !isLayer(layer));
  return other === undefined ? undefined : `layers of the type ${printable(other.mediaType)}`;
}

const imageConfigs = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);
const artifacts = new Map([
  ["application/vnd.cncf.helm.config.v1+json", "a Helm chart"],
  ["application/vnd.docker.plugin.v1+json", "a plugin of Docker"],
]);

/** What engines unpack: image-spec 1.1, media-types.md; Docker's manifest-v2-2; containerd images/mediatypes.go. */
function isLayer({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return foreignTypes.test(mediaType) || layerTypes.test(mediaType);
}

const layerTypes =
  /^application\/vnd\.(oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar([.+](gzip|zstd))?$/;

/**
 * What has its bytes elsewhere: a layer that its registry need not have and which oras never sends, or anything for which other addresses
 * are written, which engines ask first (containerd core/remotes/docker/fetcher.go).
 */
function isForeign({ mediaType, urls }: Pick<Descriptor, "mediaType" | "urls">): boolean {
  return foreignTypes.test(mediaType) || (urls !== undefined && urls.length > 0);
}

const foreignTypes =
  /^application\/vnd\.(oci\.image\.layer\.nondistributable\.v1|docker\.image\.rootfs\.foreign\.diff)\.tar/;

function notAnImage({ name }: ImageName, manifest: Manifest, say: Say): Problem {
  const got =
    manifest.manifests === undefined
      ? (whyNot(manifest) ?? `a manifest of the type ${printable(mediaTypeOf(manifest))}`)
      : "an index that lists no image";
  const file = manifest.manifests === undefined && manifest.layers?.length === 1;
  const todo = file
    ? `remove it from images, and carry its one layer as a file: an entry of files with kind: file and url: oci:${name}`
    : "remove it from images: bundle.yaml carries images that hosts run, and files";
  return say("E_IMAGE", got, "a container image", todo);
}

/** What oras would not bring, or no registry would take. */
function carriageProblems(
  { manifests }: Graph,
  leaves: readonly Leaf[],
  image: ImageName,
  say: Say,
): readonly Problem[] {
  return [...manifests].flatMap(([hex, { manifest }]): readonly Problem[] => {
    const foreign = children(manifest).find(isForeign);
    const blob = (manifest.manifests ?? []).find((one) => !isManifest(one));
    const whole =
      manifest.manifests !== undefined || (manifest.config !== undefined && manifest.layers !== undefined);
    return [
      ...(foreign === undefined
        ? []
        : [
            say(
              "E_IMAGE",
              `${foreignWords(foreign)} in sha256:${hex}`,
              "layers that the registry itself has: inside the gap nobody can ask their publisher for one",
              orPart("have it built on a base without foreign layers", leaves, image),
            ),
          ]),
      ...(blob === undefined
        ? []
        : [
            say(
              "E_IMAGE",
              `an index that lists ${blob.digest}, of the type ${printable(blob.mediaType)}`,
              "manifests and indexes in it",
              ask,
            ),
          ]),
      ...(whole
        ? []
        : [say("E_IMAGE", `neither an index nor config and layers in sha256:${hex}`, "an image", ask)]),
    ];
  });
}

function foreignWords({ mediaType, urls: [url] = [] }: Descriptor): string {
  const what = foreignTypes.test(mediaType) ? "a foreign layer" : "a descriptor with urls";
  return `${what} (${printable(mediaType)}${url === undefined ? "" : `, ${printable(url).slice(0, 200)}`})`;
}

/** A child that is not there. */
function absentProblems(
  { manifests, named }: Graph,
  leaves: readonly Leaf[],
  image: ImageName,
  say: Say,
): readonly Problem[] {
  return [...named.values()]
    .filter(({ descriptor }) => isManifest(descriptor) && !manifests.has(hexOf(descriptor.digest)))
    .map(({ descriptor }) => {
      const platform = platformName(descriptor.platform);
      const what = platform === undefined ? "" : ` for ${printable(platform)}`;
      const got = `no manifest ${descriptor.digest}${what}, which the image names`;
      return say("E_DOWNLOAD", got, there, orPart(ask, leaves, image));
    });
}

/** The advice, and a way to have one platform without the rest where there is one. */
function orPart(todo: string, leaves: readonly Leaf[], { name }: ImageName): string {
  const whole = leaves.find(
    ({ manifest, platform }) =>
      (platform === undefined || platform.os === "linux") &&
      whyNot(manifest) === undefined &&
      manifest !== undefined &&
      !children(manifest).some(isForeign),
  );
  if (whole === undefined) return todo;
  const part = `${repositoryOf(name)}:${tagOf(name) ?? "<tag>"}@${whole.descriptor.digest}`;
  return `${todo}; or take ${platformName(whole.platform) ?? "one part"} alone: name: ${part}`;
}

/** Where it costs nothing to look, every blob has to be there in its length. */
async function blobProblems(
  { manifests, named }: Graph,
  { length }: ImageSource,
  say: Say,
): Promise<readonly Problem[]> {
  if (length === undefined) return [];
  const blobs = [...named.values()].filter(({ descriptor }) => !manifests.has(hexOf(descriptor.digest)));
  const { values } = await inParallel(blobs, 16, async ({ descriptor: { digest, size } }) => {
    const found = await length(digest);
    if (found === size) return [];
    const got = found === undefined ? `no blob ${digest}` : `${found} bytes of ${digest}`;
    return [
      say(
        "E_DOWNLOAD",
        got,
        `${size} bytes`,
        "write the layout again, from where the image was built or pulled",
      ),
    ];
  });
  return values.flat();
}

/** The classic image store compares the platforms of the list, and passes over what has none (moby, distribution/pull_v2.go, filterManifests). */
function withoutPlatform(leaves: readonly Leaf[], image: ImageName, say: Say): Problem {
  const todo = orPart(
    "ask who pushed it to write platforms into it (docker buildx imagetools create)",
    leaves,
    image,
  );
  return say(
    "E_IMAGE",
    "an index whose parts have no platform",
    "one for each: engines with the classic image store find no other",
    todo,
  );
}

/** Those of the index; of an image without one, that of its config. An attestation has the platform unknown/unknown. */
async function platformsOf(
  leaves: readonly Leaf[],
  source: ImageSource,
  say: Say,
): Promise<readonly string[]> {
  const { values, problems } = await inParallel(leaves, 4, async ({ platform, manifest }) => {
    const named = platformName(platform);
    if (named !== undefined) return named;
    const config = manifest?.config?.digest ?? "";
    const text = await source.config(config);
    if (text === undefined) throw new SealiftError([say("E_DOWNLOAD", `no config ${config}`, there, ask)]);
    const { os, architecture, variant } = recordOf(jsonOf(text));
    const [one, two, three] = [os, architecture, variant].map((part) =>
      typeof part === "string" ? part : "",
    );
    if (one === undefined || two === undefined || one === "" || two === "")
      throw new SealiftError([
        say("E_IMAGE", `a config without a platform (${config})`, "os and architecture in it", ask),
      ]);
    return (
      platformName({
        os: one,
        architecture: two,
        ...(three === undefined || three === "" ? {} : { variant: three }),
      }) ?? ""
    );
  });
  refuse(problems);
  const all = [...new Set(values)].filter((one) => !one.startsWith("unknown/"));
  const right = all.filter(isPlatformName);
  if (right.length > 0 && right.length <= mostPlatforms) return right;
  const odd = all.map(printable).slice(0, 10).join(", ");
  const got =
    right.length > mostPlatforms
      ? `${right.length} platforms`
      : `the platform ${odd === "" ? "unknown" : odd}`;
  throw new SealiftError([
    say(
      "E_IMAGE",
      got,
      "platforms as OCI writes them, like linux/amd64",
      "have it built again for a platform that engines know: docker buildx build --platform linux/amd64",
    ),
  ]);
}

/** As many as a lock may list. */
const mostPlatforms = 100;

function platformName(platform: Descriptor["platform"]): string | undefined {
  if (platform === undefined) return undefined;
  const { os, architecture, variant } = platform;
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
