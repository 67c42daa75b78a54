/** The bundle in a registry host's own registry, as facts. */
import type { Authority, RegistrySpec, ServedRegistry } from "../core/registry.ts";
import type { Step } from "../core/step.ts";
import type { RegistryManifest } from "./content.ts";

export interface SeedSpec {
  readonly registry: Pick<RegistrySpec, "name" | "port"> & { readonly serves: ServedRegistry };
  readonly manifests: readonly RegistryManifest[];
  /** Serial of the bundle. */
  readonly serial: number;
  /** CA of the first registry; undefined while it is not known. Of use to those that it feeds. */
  readonly authority?: Authority | undefined;
}

/** Which registry feeds this one, and by whose word. */
export const feederCode = "seed.feeder";

export function seedSteps({ registry, manifests, serial, authority }: SeedSpec): readonly Step[] {
  const { name, port, serves } = registry;
  const { mount, writerPort, keep, feeder } = serves;
  const fed: readonly Step[] =
    feeder === undefined
      ? []
      : [
          {
            code: feederCode,
            fact: `the registry on ${feeder} feeds this one, and its CA is known`,
            effect: "none",
            call: feederCall(name, String(port), feeder, authority),
          },
        ];
  const seeded = manifests.map(({ repository, tag, mediaType, sha256, bytes, blobs }): Step => ({
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
      pinned({ sha256, bytes }),
      ...blobs.map(pinned),
    ],
  }));
  const brought = manifests.map(({ repository, sha256, tag }) => `${repository} ${sha256} ${tag}`);
  const bundle: Step = {
    code: "seed.bundle",
    fact: `what bundle ${serial} brought is written down`,
    effect: "none",
    call: ["registry_bundle", mount, String(serial), ...brought],
  };
  if (keep === undefined) return [...fed, ...seeded, bundle];
  const sweep: Step = {
    code: "seed.sweep",
    fact: `of all bundles the last ${keep} are in the registry`,
    effect: "none",
    call: ["registry_sweep", mount, String(keep), String(serial), name, String(port), String(writerPort)],
  };
  return [...fed, ...seeded, bundle, sweep];
}

/** The same steps, with the CA that the first registry has made in this very run. */
export function withAuthority(steps: readonly Step[], authority: Authority | undefined): readonly Step[] {
  return steps.map((step) => {
    if (step.code !== feederCode) return step;
    const [, name = "", port = "", feeder = ""] = step.call;
    return { ...step, call: feederCall(name, port, feeder, authority) };
  });
}

/** A digest, and how many bytes may be taken of whoever gives it. */
function pinned({ sha256, bytes }: RegistryManifest["blobs"][number]): string {
  return `${sha256}:${bytes}`;
}

function feederCall(
  name: string,
  port: string,
  feeder: string,
  authority: Authority | undefined,
): Step["call"] {
  const named = authority?.named === true ? `named,${feeder}:` : "";
  const certificates = authority?.certificates.map((one) => `${named}${one}`);
  return ["registry_feeder", name, port, feeder, ...(certificates ?? ["unknown"])];
}

/** Where a blob of the bundle arrives on the registry's own volume. */
export function seedArrivalPath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/arriving/${sha256}`;
}

/** Where Distribution keeps it from then on (registry/storage/paths.go, 3.1.2). */
export function seedKeptPath({ mount }: ServedRegistry, sha256: string): string {
  return `${mount}/storage/docker/registry/v2/blobs/sha256/${sha256.slice(0, 2)}/${sha256}/data`;
}
