/**
 * The content of an image, examined before it is pinned and again before it is packed: an image that a bundle cannot carry, or
 * that would not run on a host, is refused here by its name, and nowhere later.
 */
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { isPlatformName } from "./image-platforms.ts";
import type { ImageSource } from "./image-source.ts";
import { ambiguousKey, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  type Manifest,
  mediaTypeOf,
  NoManifest,
  parseManifest,
} from "../oci/manifests.ts";
import { repositoryOf, tagOf } from "../spec/oci-reference.ts";
import { inParallel } from "../io/parallel.ts";
import { printable } from "../io/printable.ts";
import { type Graph, type TreeManifest, walk } from "../oci/walk.ts";

/** The image as people know it: its name, and its location in bundle.yaml. */
export interface ImageName {
  readonly name: string;
  readonly where?: string;
}

export interface ImageContent extends Graph {
  /** Descriptor of the image's manifest or index. */
  readonly top: Descriptor;
  /** Platforms that run, each once, in the order of the index. */
  readonly platforms: readonly string[];
}

/**
 * Reads every manifest below a digest.
 *
 * @throws {SealiftError} E_IMAGE for a digest that is not a container image, or that no bundle can carry; E_DOWNLOAD for missing
 * content, E_PIN_MISMATCH for bytes of another digest, and the errors of the source: another source may have the right bytes.
 */
export async function imageContent(
  image: ImageName,
  digest: string,
  source: ImageSource,
): Promise<ImageContent> {
  const problem = imageProblemBuilder(image, source);
  const first = await source.manifest(digest);
  if (first === undefined)
    throw new SealiftError([problem("E_DOWNLOAD", `no manifest ${digest} in ${source.place}`, there, gone)]);
  const parsed = checked(first, { digest, size: first.length }, problem);
  if ("code" in parsed) throw new SealiftError([parsed]);
  const mediaType = mediaTypeOf(parsed.manifest);
  const top: Descriptor = { mediaType, digest, size: first.length };
  if (!isManifest(top)) throw new SealiftError([notAnImage(image, parsed.manifest, problem)]);
  const graph = await walk(
    [{ descriptor: top, owner: image.name }],
    async ({ descriptor }) => {
      if (descriptor.digest === digest) return parsed;
      const text = await source.manifest(descriptor.digest);
      return text === undefined ? undefined : checked(text, descriptor, problem);
    },
    {
      otherLength: ({ digest: one, size }, { size: other }) =>
        problem("E_IMAGE", `two lengths of ${one}: ${other} and ${size} bytes`, "one", republish),
      otherType: ({ digest: one, mediaType: type }, { mediaType: other }) =>
        problem(
          "E_IMAGE",
          `two media types of ${one}: ${printable(other)} and ${printable(type)}`,
          "one",
          republish,
        ),
      tooMany: () => problem("E_IMAGE", `more than ${limits.manifestCount} manifests`, "fewer", republish),
    },
  );
  refuse(graph.problems);
  const leaves = leavesOf(graph, top, problem);
  refuse([
    ...carriageProblems(graph, leaves, image, problem),
    ...absentProblems(graph, leaves, image, problem),
    ...(await blobProblems(graph, source, problem)),
  ]);
  if (!leaves.some(({ manifest }) => unsupportedReason(manifest) === undefined))
    throw new SealiftError([notAnImage(image, parsed.manifest, problem)]);
  const running = leaves.filter(({ manifest }) => unsupportedReason(manifest) === undefined);
  const found =
    parsed.manifest.manifests === undefined
      ? running
      : running.filter(({ platform }) => platform !== undefined);
  if (found.length === 0) throw new SealiftError([withoutPlatform(leaves, image, problem)]);
  return { ...graph, top, platforms: await platformsOf(found, source, problem) };
}

/** Bytes of all blobs, each counted once. */
export function contentBytes({ named }: Graph): number {
  return [...named.values()].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}

type ImageProblem = (
  code: "E_IMAGE" | "E_DOWNLOAD" | "E_PIN_MISMATCH",
  found: string,
  expected: string,
  fix: string,
) => Problem;

function imageProblemBuilder({ name, where }: ImageName, { place }: ImageSource): ImageProblem {
  return (code, found, expected, fix) => ({
    where: where ?? place,
    code,
    subject: name,
    found,
    expected,
    fix,
  });
}

const republish = "ask its publisher to push it again";
const there = "every manifest and blob that the image references";
const gone = "check the name; if the image existed before, ask its publisher to push it again";

/** A manifest whose bytes match the requested digest. */
function checked(
  text: Buffer,
  { digest, size, mediaType }: Pick<Descriptor, "digest" | "size"> & { readonly mediaType?: string },
  problem: ImageProblem,
): TreeManifest | Problem {
  const { sha256, bytes } = digestOfBytes(text);
  if (sha256 !== hexOf(digest))
    return problem(
      "E_PIN_MISMATCH",
      `sha256:${sha256} instead of ${digest}`,
      "the bytes of that digest",
      "run the command again",
    );
  if (bytes !== size)
    return problem(
      "E_IMAGE",
      `${digest} has ${bytes} bytes`,
      `${size} bytes, as stated in its index`,
      republish,
    );
  try {
    return { manifest: parseManifest(text, mediaType), text };
  } catch (error) {
    if (!(error instanceof NoManifest)) throw error;
    const sha512 = /with a (\w+) digest/.test(error.message);
    return problem(
      "E_IMAGE",
      `${error.message} in ${digest}`,
      sha512
        ? "sha256 digests only: a bundle names every blob by its sha256"
        : "an image in a format that current engines and registries accept",
      "have the image built and pushed again with a current tool",
    );
  }
}

/** A manifest listed in an index, or the image itself when there is no index. */
interface Leaf {
  readonly descriptor: Descriptor;
  /** The platform in the index, or that of the enclosing list; undefined when neither gives one. */
  readonly platform: Descriptor["platform"];
  /** Undefined when the manifest is missing. */
  readonly manifest: Manifest | undefined;
}

/** @throws {SealiftError} E_IMAGE for more manifests than a real image has: nested lists multiply. */
function leavesOf({ manifests }: Graph, top: Descriptor, problem: ImageProblem): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const seen = new Set<string>();
  const waiting: Pick<Leaf, "descriptor" | "platform">[] = [];
  const add = (descriptor: Descriptor, platform: Leaf["platform"]): void => {
    const key = `${descriptor.digest} ${platformName(platform) ?? ""}`;
    if (seen.has(key)) return;
    if (seen.size === maxLeaves)
      throw new SealiftError([problem("E_IMAGE", `more than ${maxLeaves} parts`, "fewer", republish)]);
    seen.add(key);
    waiting.push({ descriptor, platform });
  };
  add(top, undefined);
  // Grows during the loop.
  for (const { descriptor, platform } of waiting) {
    const manifest = manifests.get(hexOf(descriptor.digest))?.manifest;
    if (manifest?.manifests === undefined) {
      leaves.push({ descriptor, platform, manifest });
      continue;
    }
    // Engines find no manifest below an entry without a platform, whatever the lower lists say.
    const outer = descriptor === top ? undefined : platform;
    const isLost = descriptor !== top && platform === undefined;
    for (const one of manifest.manifests) add(one, isLost ? undefined : (one.platform ?? outer));
  }
  return leaves;
}

/** Manifests and indexes below an image, each once for every platform under which it is listed. */
const maxLeaves = 4_000;

/** Why no engine runs this; undefined when an engine does. */
function unsupportedReason(manifest: Manifest | undefined): string | undefined {
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
  ["application/vnd.docker.plugin.v1+json", "a Docker plugin"],
]);

/** Layers that engines unpack: image-spec 1.1, media-types.md; Docker's manifest-v2-2; containerd images/mediatypes.go. */
function isLayer({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return foreignTypes.test(mediaType) || layerTypes.test(mediaType);
}

const layerTypes =
  /^application\/vnd\.(oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar([.+](gzip|zstd))?$/;

/** Layers of images, whatever their packing. */
const ofImages = /^application\/vnd\.(oci\.image\.layer|docker\.image\.rootfs)\./;

/**
 * Whether the bytes are stored elsewhere: a layer that its registry need not have and that oras never sends, or a descriptor with
 * other URLs, which engines try first (containerd core/remotes/docker/fetcher.go).
 */
function isForeign({ mediaType, urls }: Pick<Descriptor, "mediaType" | "urls">): boolean {
  return foreignTypes.test(mediaType) || (urls !== undefined && urls.length > 0);
}

const foreignTypes =
  /^application\/vnd\.(oci\.image\.layer\.nondistributable\.v1|docker\.image\.rootfs\.foreign\.diff)\.tar/;

function notAnImage({ name }: ImageName, manifest: Manifest, problem: ImageProblem): Problem {
  const found =
    manifest.manifests === undefined
      ? (unsupportedReason(manifest) ?? `a manifest of type ${printable(mediaTypeOf(manifest))}`)
      : "an index that lists no image";
  const file = manifest.manifests === undefined && manifest.layers?.length === 1;
  const odd = manifest.layers?.find((layer) => !isLayer(layer));
  if (odd !== undefined && ofImages.test(odd.mediaType))
    return problem(
      "E_IMAGE",
      found,
      "layers that engines unpack: tar, plain or compressed with gzip or zstd, and not encrypted",
      "have the image built with gzip layers (docker buildx build --output type=image,compression=gzip,force-compression=true)",
    );
  const fix = file
    ? `remove it from images, and add its single layer under files: with kind: file and url: oci:${name}`
    : "remove it from images: a bundle holds only files and images that hosts can run";
  return problem("E_IMAGE", found, "a container image", fix);
}

/** Blobs that oras would not copy, or that a registry would refuse. */
function carriageProblems(
  { manifests }: Graph,
  leaves: readonly Leaf[],
  image: ImageName,
  problem: ImageProblem,
): readonly Problem[] {
  return [...manifests].flatMap(([hex, { manifest }]): readonly Problem[] => {
    const foreign = children(manifest).find(isForeign);
    const blob = (manifest.manifests ?? []).find((one) => !isManifest(one));
    const complete =
      manifest.manifests !== undefined || (manifest.config !== undefined && manifest.layers !== undefined);
    return [
      ...(foreign === undefined
        ? []
        : [
            problem(
              "E_IMAGE",
              `${foreignWords(foreign)} in sha256:${hex}`,
              "layers that are stored in the registry: the air-gapped side cannot download them from their publisher",
              orPart("rebuild the image on a base image without foreign layers", leaves, image),
            ),
          ]),
      ...(blob === undefined
        ? []
        : [
            problem(
              "E_IMAGE",
              `an index that lists ${blob.digest} with the type ${printable(blob.mediaType)}`,
              "an index of manifests and indexes only",
              republish,
            ),
          ]),
      ...(complete
        ? []
        : [
            problem(
              "E_IMAGE",
              `neither an index nor config and layers in sha256:${hex}`,
              "an image",
              republish,
            ),
          ]),
    ];
  });
}

function foreignWords({ mediaType, urls: [url] = [] }: Descriptor): string {
  const what = foreignTypes.test(mediaType) ? "a foreign layer" : "a descriptor with urls";
  return `${what} (${printable(mediaType)}${url === undefined ? "" : `, ${printable(url).slice(0, 200)}`})`;
}

/** A manifest that is missing. */
function absentProblems(
  { manifests, named }: Graph,
  leaves: readonly Leaf[],
  image: ImageName,
  problem: ImageProblem,
): readonly Problem[] {
  return [...named.values()]
    .filter(({ descriptor }) => isManifest(descriptor) && !manifests.has(hexOf(descriptor.digest)))
    .map(({ descriptor }) => {
      const platform = platformName(descriptor.platform);
      const what = platform === undefined ? "" : ` for ${printable(platform)}`;
      const found = `no manifest ${descriptor.digest}${what}, which the image references`;
      return problem("E_DOWNLOAD", found, there, orPart(republish, leaves, image));
    });
}

/** The fix, and how to select one platform without the others where that is possible. */
function orPart(fix: string, leaves: readonly Leaf[], { name }: ImageName): string {
  const complete = leaves.find(
    ({ manifest, platform }) =>
      (platform === undefined || platform.os === "linux") &&
      unsupportedReason(manifest) === undefined &&
      manifest !== undefined &&
      !children(manifest).some(isForeign),
  );
  if (complete === undefined) return fix;
  const part = `${repositoryOf(name)}:${tagOf(name) ?? "<tag>"}@${complete.descriptor.digest}`;
  return `${fix}; or pin only ${platformName(complete.platform) ?? "one part"}: name: ${part}`;
}

/** Where lengths are known locally, every blob must exist with its length. */
async function blobProblems(
  { manifests, named }: Graph,
  { length }: ImageSource,
  problem: ImageProblem,
): Promise<readonly Problem[]> {
  if (length === undefined) return [];
  const blobs = [...named.values()].filter(({ descriptor }) => !manifests.has(hexOf(descriptor.digest)));
  const { values } = await inParallel(blobs, 16, async ({ descriptor: { digest, size } }) => {
    const present = await length(digest);
    if (present === size) return [];
    const found = present === undefined ? `no blob ${digest}` : `${present} bytes of ${digest}`;
    return [
      problem(
        "E_DOWNLOAD",
        found,
        `${size} bytes`,
        "create the layout again on the machine where the image was built or pulled",
      ),
    ];
  });
  return values.flat();
}

/**
 * The classic image store compares the platforms of the list and ignores entries without one (moby, distribution/pull_v2.go,
 * filterManifests).
 */
function withoutPlatform(leaves: readonly Leaf[], image: ImageName, problem: ImageProblem): Problem {
  const fix = orPart(
    "ask its publisher to add platforms to the index (docker buildx imagetools create)",
    leaves,
    image,
  );
  return problem(
    "E_IMAGE",
    "an index whose entries have no platform",
    "a platform for each entry: engines with the classic image store ignore entries without one",
    fix,
  );
}

/** The platforms of the index; without an index, that of the config. An attestation has the platform unknown/unknown. */
async function platformsOf(
  leaves: readonly Leaf[],
  source: ImageSource,
  problem: ImageProblem,
): Promise<readonly string[]> {
  const { values, problems } = await inParallel(leaves, 4, async ({ platform, manifest }) => {
    const named = platformName(platform);
    // Over the network it would be one more request for each platform.
    if (named !== undefined && source.length === undefined) return named;
    const config = manifest?.config?.digest ?? "";
    const text = await source.config(config);
    if (text === undefined)
      throw new SealiftError([problem("E_DOWNLOAD", `no config ${config}`, there, republish)]);
    const odd = ambiguousKey(Buffer.from(text).toString(), configFields);
    if (odd !== undefined)
      throw new SealiftError([
        problem(
          "E_IMAGE",
          `a config (${config}) with a key that parsers read differently (${printable(odd)})`,
          "each key once, in the case that OCI specifies",
          republish,
        ),
      ]);
    const { os, architecture, variant, rootfs } = recordOf(jsonOf(text));
    const { diff_ids: diffs } = recordOf(rootfs);
    const counts = [manifest?.layers?.length ?? 0, Array.isArray(diffs) ? diffs.length : 0];
    if (counts[0] !== counts[1])
      throw new SealiftError([
        problem(
          "E_IMAGE",
          `${counts.join(" layers, and a config with ")} diff_ids (${config})`,
          "one of rootfs.diff_ids for each layer: otherwise no engine unpacks the image",
          republish,
        ),
      ]);
    if (named !== undefined) return named;
    const [one, two, three] = [os, architecture, variant].map((part) =>
      typeof part === "string" ? part : "",
    );
    if (one === undefined || two === undefined || one === "" || two === "")
      throw new SealiftError([
        problem(
          "E_IMAGE",
          `a config without a platform (${config})`,
          "a config with os and architecture",
          republish,
        ),
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
  if (right.length > 0 && right.length <= maxPlatforms) return right;
  const odd = all.map(printable).slice(0, 10).join(", ");
  const found =
    right.length > maxPlatforms
      ? `${right.length} platforms`
      : `the platform ${odd === "" ? "unknown" : odd}`;
  throw new SealiftError([
    problem(
      "E_IMAGE",
      found,
      "platforms as OCI writes them, such as linux/amd64",
      "rebuild it for a platform that engines support: docker buildx build --platform linux/amd64",
    ),
  ]);
}

/** image-spec 1.1, config.md. */
const configFields = new Map([
  [
    "",
    [
      "created",
      "author",
      "architecture",
      "os",
      "os.version",
      "os.features",
      "variant",
      "config",
      "rootfs",
      "history",
    ],
  ],
  ["rootfs", ["type", "diff_ids"]],
]);

/** The limit of the lock's schema. */
const maxPlatforms = 100;

function platformName(platform: Descriptor["platform"]): string | undefined {
  if (platform === undefined) return undefined;
  const { os, architecture, variant } = platform;
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
