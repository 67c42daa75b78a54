/** Completes a bundle whose blobs are written: an index in a fixed order, and the bundle manifest that is signed. */
import { join } from "node:path";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { digestOf } from "../io/digest.ts";
import { bundleFormat, inside, markerText, type BundleManifest } from "./layout.ts";
import type { Lock, LockedFile } from "../spec/lock-file.ts";
import { packageAnnotations } from "../npm/carried-packages.ts";
import { refName, type Descriptor } from "./manifests.ts";

/**
 * Writes oci-layout, index.json and sealift.json; the same content gives the same bytes.
 *
 * @param tags everything that the index lists.
 */
export async function writeBundleManifest(
  directory: string,
  lock: Lock,
  tags: readonly Tagged[],
): Promise<BundleManifest> {
  await writeAtomically(join(directory, inside.marker), markerText);
  // Only the required fields of the index: other annotations of an image would change the bytes of the same image.
  const manifests = tags
    .map(({ ref, descriptor: { mediaType, digest, size } }) => ({
      ...{ mediaType, digest, size },
      annotations: { [refName]: ref },
    }))
    .sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  await writeAtomically(join(directory, inside.index), JSON.stringify(index));
  const bundleManifest: BundleManifest = {
    format: bundleFormat,
    serial: lock.serial,
    platforms: lock.platforms,
    ...(lock.expires === undefined ? {} : { expires: lock.expires }),
    lock: await digestOf(join(directory, inside.lock)),
    index: await digestOf(join(directory, inside.index)),
    manifests: manifests.map((manifest) => ({ ref: refOf(manifest), digest: manifest.digest })),
  };
  await writeAtomically(
    join(directory, inside.manifest),
    `${JSON.stringify(bundleManifest, undefined, 2)}\n`,
  );
  return bundleManifest;
}

function refOf({ annotations }: { readonly annotations: Readonly<Record<string, string>> }): string {
  return annotations[refName] ?? "";
}

/** An entry of a layout's index, and its tag. */
export interface Tagged {
  readonly ref: string;
  readonly descriptor: Pick<Descriptor, "mediaType" | "digest" | "size">;
}

/** Content and sha256 of the empty config of an artifact: image-spec 1.1, "Guidance for an Empty Descriptor". */
export const emptyConfig = {
  text: "{}",
  sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
} as const;

/**
 * The manifest of a file: the same text for the same file, byte for byte as oras 1.3 writes it.
 *
 * @param bytes length of the file.
 * @param title its bare name.
 */
export function fileManifest(file: LockedFile, bytes: number, title: string): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.sealift.file.v1",
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: `sha256:${emptyConfig.sha256}`,
      size: emptyConfig.text.length,
      data: Buffer.from(emptyConfig.text).toString("base64"),
    },
    layers: [
      {
        mediaType: "application/octet-stream",
        digest: `sha256:${file.sha256}`,
        size: bytes,
        annotations: { "org.opencontainers.image.title": title },
      },
    ],
    annotations: {
      // No creation time, or two builds would differ.
      "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
      "org.opencontainers.image.licenses": file.licence,
      "org.opencontainers.image.version": file.version,
      "vnd.sealift.platform": file.platform,
      ...packageAnnotations(file),
    },
  });
}
