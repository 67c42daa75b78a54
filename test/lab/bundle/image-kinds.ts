/** One image of every kind that a bundle carries, each of which an engine has to pull and run: an OCI layout with all of them. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdCompressSync } from "node:zlib";

interface Placed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What is carried of each kind. */
export interface ImageKind {
  readonly kind: string;
  /** Full name, under which bundle.yaml has it and engines pull it. */
  readonly name: string;
}

/** A registry with a port in its name. */
export const portedSource = "localhost:5077";

const oci = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  tar: "application/vnd.oci.image.layer.v1.tar",
} as const;
const docker = {
  index: "application/vnd.docker.distribution.manifest.list.v2+json",
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

const kindNames = [
  ...["single", "index", "no-media-type", "twice", "attested", "subject", "zstd", "plain-tar"],
  ...["docker-single", "docker-list", "mixed", "many-layers", "nested", "nested-deep"],
] as const;
const ported = "ported";

/** All of them, in the order of the bundle. */
export const imageKinds: readonly ImageKind[] = [
  ...kindNames.map((kind) => ({ kind, name: `docker.io/kinds/${kind}:1` })),
  { kind: ported, name: `${portedSource}/team/app:1` },
];

/**
 * Writes the layout.
 *
 * @param image an OCI layout of one image, whose only layer is theirs.
 * @param layout folder to write.
 */
export async function writeImageKinds(
  image: string,
  architecture: "amd64" | "arm64",
  layout: string,
): Promise<void> {
  await mkdir(join(layout, "blobs", "sha256"), { recursive: true });
  const put = async (mediaType: string, content: object | Buffer): Promise<Placed> => {
    const bytes = content instanceof Buffer ? content : Buffer.from(JSON.stringify(content));
    const hex = sha256(bytes);
    await writeFile(join(layout, "blobs", "sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const kinds = await made(put, await layerOf(image), architecture);
  const manifests = imageKinds.map(({ kind, name }) => {
    const found = kinds[kind];
    if (found === undefined) throw new Error(`no image of the kind ${kind}`);
    return { ...found, annotations: { "org.opencontainers.image.ref.name": name } };
  });
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

interface Made {
  /** @default that of the lab */
  readonly arch?: "amd64" | "arm64";
  /** @default OCI's own */
  readonly types?: Readonly<Record<"manifest" | "config" | "gzip", string>>;
  /** Media type and bytes of each. @default the one of the lab's image */
  readonly layers?: readonly (readonly [string, Buffer])[];
  /** What they are before compression. */
  readonly diffs?: readonly Buffer[];
  /** Over what the manifest says. */
  readonly more?: object;
}

async function made(
  put: (mediaType: string, content: object | Buffer) => Promise<Placed>,
  packed: Buffer,
  architecture: "amd64" | "arm64",
): Promise<Readonly<Record<string, Placed>>> {
  const plain = gunzipSync(packed);
  const [own, other] =
    architecture === "amd64" ? (["amd64", "arm64"] as const) : (["arm64", "amd64"] as const);
  const on = (one: Placed, arch: string, os = "linux"): object => ({
    ...one,
    platform: { os, architecture: arch },
  });
  const image = async (
    kind: string,
    {
      arch = own,
      types = oci,
      layers = [[types.gzip, packed]],
      diffs = layers.map(() => plain),
      more,
    }: Made = {},
  ): Promise<Placed> => {
    const config = await put(types.config, {
      architecture: arch,
      os: "linux",
      // One image a kind, so that no engine has it already.
      config: { Env: ["PATH=/bin", `KIND=${kind}`], Cmd: ["sh", "-c", "echo $KIND"] },
      rootfs: { type: "layers", diff_ids: diffs.map((bytes) => `sha256:${sha256(bytes)}`) },
    });
    const placed: Placed[] = [];
    for (const [type, bytes] of layers) placed.push(await put(type, bytes));
    return put(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      config,
      layers: placed,
      ...more,
    });
  };
  const index = (
    manifests: readonly object[],
    more: object = {},
    type: string = oci.index,
  ): Promise<Placed> => put(type, { schemaVersion: 2, mediaType: type, manifests, ...more });

  const attested = await image("attested");
  const statement = await put("application/vnd.in-toto+json", { _type: "https://in-toto.io/Statement/v0.1" });
  const attestation = await put(oci.manifest, {
    schemaVersion: 2,
    mediaType: oci.manifest,
    config: await put(oci.config, {
      architecture: "unknown",
      os: "unknown",
      rootfs: { type: "layers", diff_ids: [statement.digest] },
    }),
    layers: [
      { ...statement, annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" } },
    ],
  });
  const listed = await image("twice");
  const marker = emptyTar();
  return {
    single: await image("single"),
    index: await index([on(await image("index", { arch: other }), other), on(await image("index"), own)]),
    "no-media-type": await index(
      [on(await image("no-media-type", { more: { mediaType: undefined } }), own)],
      {
        mediaType: undefined,
      },
    ),
    twice: await index([on(listed, own), on(listed, own), on(await image("twice", { arch: other }), other)]),
    attested: await index([
      on(attested, own),
      {
        ...on(attestation, "unknown", "unknown"),
        annotations: {
          "vnd.docker.reference.type": "attestation-manifest",
          "vnd.docker.reference.digest": attested.digest,
        },
      },
    ]),
    subject: await index([on(await image("subject"), own)], { subject: await image("the base of subject") }),
    zstd: await image("zstd", { layers: [[oci.zstd, zstdCompressSync(plain)]] }),
    "plain-tar": await image("plain-tar", { layers: [[oci.tar, plain]] }),
    "docker-single": await image("docker-single", { types: docker }),
    "docker-list": await index(
      [
        on(await image("docker-list", { types: docker }), own),
        on(await image("docker-list", { types: docker, arch: other }), other),
      ],
      {},
      docker.index,
    ),
    mixed: await index([
      on(await image("mixed", { layers: [[docker.gzip, packed]] }), own),
      on(await image("mixed", { types: docker, arch: other }), other),
    ]),
    "many-layers": await image("many-layers", {
      layers: [
        [oci.gzip, packed],
        [oci.tar, marker],
        [oci.zstd, zstdCompressSync(marker)],
      ],
      diffs: [plain, marker, marker],
    }),
    nested: await index([on(await index([on(await image("nested"), own)]), own)]),
    "nested-deep": await index([
      on(await index([on(await index([on(await image("nested-deep"), own)]), own)]), own),
    ]),
    [ported]: await image(ported),
  };
}

/** The one layer of the one image of a layout, in gzip. */
async function layerOf(layout: string): Promise<Buffer> {
  const blob = (digest: string): Promise<Buffer> => readFile(join(layout, "blobs", digest.replace(":", "/")));
  const { manifests } = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as {
    readonly manifests: readonly Placed[];
  };
  const { layers } = JSON.parse((await blob(manifests[0]?.digest ?? "")).toString()) as {
    readonly layers: readonly Placed[];
  };
  return blob(layers[0]?.digest ?? "");
}

/** Two blocks of zeros end an archive that has nothing in it. */
function emptyTar(): Buffer {
  return Buffer.alloc(1024);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
