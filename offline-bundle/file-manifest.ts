/** The OCI artifact as which a host file travels: its one layer is the file as it is (image-spec 1.1, artifact usage). Pure. */
import type { LockedFile } from "./lock-file.ts";

/** Text of the config that an artifact without one has, and its sha256: image-spec 1.1, "Guidance for an Empty Descriptor". */
export const emptyConfig = {
  text: "{}",
  sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
} as const;

/**
 * The same text for the same file, byte for byte as oras 1.3 writes it.
 *
 * @param bytes length of the file. @param title its bare name.
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
      // It must not say when it was made, or two builds would differ.
      "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
      "org.opencontainers.image.licenses": file.licence,
      "org.opencontainers.image.version": file.version,
      "vnd.sealift.platform": file.platform,
    },
  });
}
