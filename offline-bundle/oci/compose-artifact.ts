/**
 * An application as `docker compose publish` writes it (docker/compose internal/oci/push.go), so that `docker compose -f oci://…` reads
 * it: its Compose file, the digests of its images as a layer of their own, and its files of variables. All of it follows from the lock. Pure.
 */
import type { Lock, LockedFile } from "../spec/lock-file.ts";
import { digestOfBytes } from "../io/digest.ts";
import { emptyConfig } from "./write-manifest.ts";

export interface ComposeArtifact {
  /** Its tag: `apps/shop:2.4.0`. */
  readonly ref: string;
  readonly manifest: string;
  /** The digests of its images, as a Compose file. */
  readonly images: string;
  /** Paths in the project that are layers. */
  readonly paths: readonly string[];
}

/** @returns undefined of another file. */
export function composeArtifact(file: LockedFile, lock: Pick<Lock, "images">): ComposeArtifact | undefined {
  const { kind, name, version, licence, project, members = [] } = file;
  if (kind !== "app" || project === undefined) return undefined;
  const services = Object.fromEntries(
    project.services.map((service) => {
      const pin = lock.images.find((image) => image.name === service.image);
      return [service.name, { image: pin === undefined ? service.image : `${pin.name}@${pin.digest}` }];
    }),
  );
  const images = `${JSON.stringify({ services }, undefined, 2)}\n`;
  // Compose takes a file without a folder only.
  const variables = new Set(project.services.flatMap(({ envFiles = [] }) => envFiles));
  const held = members.filter(({ path }) => variables.has(path) && !path.includes("/"));
  const compose = members.filter(({ path }) => path === project.file);
  const layers = [
    ...compose.map((member) => layer(composeFile, member, { "com.docker.compose.file": member.path })),
    layer(composeFile, digestOfBytes(images), { "com.docker.compose.file": "image-digests.yaml" }),
    ...held.map((member) => layer(variableFile, member, { "com.docker.compose.envfile": member.path })),
  ];
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.docker.compose.project",
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: `sha256:${emptyConfig.sha256}`,
      size: emptyConfig.text.length,
      data: Buffer.from(emptyConfig.text).toString("base64"),
    },
    layers,
    annotations: {
      "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
      "org.opencontainers.image.licenses": licence,
      "org.opencontainers.image.version": version,
    },
  });
  return {
    ref: `apps/${name}:${version}`,
    manifest,
    images,
    paths: [...compose, ...held].map(({ path }) => path),
  };
}

const composeFile = "application/vnd.docker.compose.file+yaml";
const variableFile = "application/vnd.docker.compose.envfile";

function layer(
  mediaType: string,
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
  annotations: Readonly<Record<string, string>>,
): object {
  // Required by compose; this layout is that of version 2.26.
  const version = { "com.docker.compose.version": "2.26.1" };
  return { mediaType, digest: `sha256:${sha256}`, size: bytes, annotations: { ...version, ...annotations } };
}
