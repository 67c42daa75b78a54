/** The bundle in a registry host's own registry, as facts. */
import type { RegistrySpec, ServedRegistry } from "../core/registry.ts";
import type { Step } from "../core/step.ts";
import type { RegistryManifest } from "./content.ts";

export interface SeedSpec {
  readonly registry: Pick<RegistrySpec, "name"> & { readonly serves: ServedRegistry };
  readonly manifests: readonly RegistryManifest[];
}

export function seedSteps({ registry: { name, serves }, manifests }: SeedSpec): readonly Step[] {
  const { mount, writerPort } = serves;
  return manifests.map(({ repository, tag, mediaType, sha256, blobs }) => ({
    code: `seed.${repository}:${tag}`,
    fact: `the registry has ${repository}:${tag} whole (sha256 ${sha256.slice(0, 12)})`,
    effect: "none",
    call: [
      "registry_manifest",
      mount,
      name,
      String(writerPort),
      repository,
      tag,
      mediaType,
      sha256,
      ...blobs,
    ],
  }));
}

/** Where a blob of the bundle arrives on the registry's own volume. */
export function seedArrivalPath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/arriving/${sha256}`;
}

/** Where Distribution keeps it from then on (registry/storage/paths.go, 3.1.2). */
export function seedKeptPath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/storage/docker/registry/v2/blobs/sha256/${sha256.slice(0, 2)}/${sha256}/data`;
}
