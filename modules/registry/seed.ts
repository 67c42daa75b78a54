/** The bundle in a registry host's own registry, as facts. */
import type { CaBundle, RegistrySpec, ServedRegistry } from "../core/site/registry.ts";
import type { Step } from "../core/host/step.ts";
import type { RegistryManifest } from "./content.ts";

export interface SeedSpec {
  readonly registry: Pick<RegistrySpec, "name" | "port"> & { readonly serves: ServedRegistry };
  readonly manifests: readonly RegistryManifest[];
  /** Serial of the bundle. */
  readonly serial: number;
  /** CA of the first registry; undefined while it is unknown. The registries downstream of it use it. */
  readonly caBundle?: CaBundle | undefined;
}

/** The upstream registry and its CA. */
export const upstreamCode = "seed.upstream";

export function seedSteps({ registry, manifests, serial, caBundle }: SeedSpec): readonly Step[] {
  const { name, port, serves } = registry;
  const { mount, writerPort, retainBundles, upstreamRegistry } = serves;
  const downstream: readonly Step[] =
    upstreamRegistry === undefined
      ? []
      : [
          {
            code: upstreamCode,
            fact: `the upstream registry is ${upstreamRegistry}, and its CA is known`,
            effect: "none",
            call: upstreamCall(name, String(port), upstreamRegistry, caBundle),
          },
        ];
  const seeded = manifests.map(({ repository, tag, mediaType, sha256, bytes, blobs }): Step => ({
    code: `seed.${repository}:${tag}`,
    fact: `the registry holds all of ${repository}:${tag} (sha256 ${sha256.slice(0, 12)})`,
    effect: "none",
    call: [
      "registry_manifest",
      mount,
      name,
      String(writerPort),
      repository,
      tag,
      mediaType,
      pinned({ sha256, bytes }),
      ...blobs.map(pinned),
    ],
  }));
  const brought = manifests.map(({ repository, sha256, tag }) => `${repository} ${sha256} ${tag}`);
  const bundle: Step = {
    code: "seed.bundle",
    fact: `the contents of bundle ${serial} are recorded`,
    effect: "none",
    call: ["registry_bundle", mount, String(serial), ...brought],
  };
  if (retainBundles === undefined) return [...downstream, ...seeded, bundle];
  const prune: Step = {
    code: "seed.prune",
    fact: `the registry keeps the last ${retainBundles} bundles and no earlier ones`,
    effect: "none",
    call: [
      "registry_prune",
      mount,
      String(retainBundles),
      String(serial),
      name,
      String(port),
      String(writerPort),
    ],
  };
  return [...downstream, ...seeded, bundle, prune];
}

/** The same steps, with the CA that the first registry has created in this run. */
export function withCa(steps: readonly Step[], caBundle: CaBundle | undefined): readonly Step[] {
  return steps.map((step) => {
    if (step.code !== upstreamCode) return step;
    const [, name = "", port = "", upstream = ""] = step.call;
    return { ...step, call: upstreamCall(name, port, upstream, caBundle) };
  });
}

/** A digest, and the maximum number of bytes to accept for it. */
function pinned({ sha256, bytes }: RegistryManifest["blobs"][number]): string {
  return `${sha256}:${bytes}`;
}

function upstreamCall(
  name: string,
  port: string,
  upstream: string,
  caBundle: CaBundle | undefined,
): Step["call"] {
  const named = caBundle?.named === true ? `named,${upstream}:` : "";
  const certificates = caBundle?.certificates.map((one) => `${named}${one}`);
  return ["registry_upstream", name, port, upstream, ...(certificates ?? ["unknown"])];
}

/** Where a blob of the bundle arrives on the registry's own volume. */
export function seedUploadPath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/arriving/${sha256}`;
}

/** Where Distribution stores it afterwards (registry/storage/paths.go, 3.1.2). */
export function seedStorePath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/storage/docker/registry/v2/blobs/sha256/${sha256.slice(0, 2)}/${sha256}/data`;
}
