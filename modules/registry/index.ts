/** The registry of a site, and the bundle in it, as phases. */
import type { Archive } from "../core/host/blob.ts";
import { SealiftError } from "../core/errors.ts";
import { parseReport } from "../core/host/report.ts";
import { reportedCa } from "../core/host/reported-ca.ts";
import type { CaBundle } from "../core/site/registry.ts";
import type { ServedHost } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { withMirrorNames, type RegistryManifest } from "./content.ts";
import { seedSteps, type SeedSpec } from "./seed.ts";
import { caCode, caStep, registrySteps } from "./steps.ts";

/** Pure: the registry on a host that runs one. */
export function registryPhase({ name, sshUser, registry }: ServedHost, archive: Archive): Phase {
  return { name: "registry", steps: registrySteps({ host: name, sshUser, registry, archive }) };
}

/**
 * Pure: the bundle in it, by its serial.
 *
 * @param mirrors some engine uses the registry as a mirror of Docker Hub.
 * @param caBundle the CA of the site's first registry.
 */
export function seedPhase(
  { registry }: ServedHost,
  manifests: readonly RegistryManifest[],
  { mirrors, ...rest }: { readonly mirrors: boolean } & Pick<SeedSpec, "serial" | "caBundle">,
): Phase {
  return {
    name: "seed",
    steps: seedSteps({ registry, manifests: mirrors ? withMirrorNames(manifests) : manifests, ...rest }),
  };
}

/** Pure: the one fact of a registry host that must be known before any other host can be probed. */
export function caPhase({ name, registry }: ServedHost): Phase {
  return { name: "registry", steps: [caStep(name, registry)] };
}

/**
 * The CA that a registry host has reported; undefined when it has reported none.
 *
 * @throws {E_REGISTRY_CA} when it could certify other names, or the site lists other CAs.
 */
export function reportedCaOf(spec: ServedHost, report: string): CaBundle | undefined {
  const { values, duplicateCode } = parseReport(report);
  const value = values?.[caCode];
  if (value === undefined) return undefined;
  // With two CAs it would be unclear which one is authoritative.
  const caBundle = reportedCa(spec, duplicateCode === undefined ? value : "");
  if ("code" in caBundle) throw new SealiftError([caBundle]);
  return caBundle;
}
