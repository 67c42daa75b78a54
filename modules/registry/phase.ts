/** The registry that feeds the site, and the bundle in it, as phases. */
import type { Archive } from "../core/blob.ts";
import { SealiftError } from "../core/errors.ts";
import { parseReport } from "../core/report.ts";
import { reportedAuthority } from "../core/reported-authority.ts";
import type { Authority } from "../core/registry.ts";
import type { ServedHost } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { withMirrorNames, type RegistryManifest } from "./content.ts";
import { seedSteps, type SeedSpec } from "./seed.ts";
import { authorityCode, authorityStep, registrySteps } from "./steps.ts";

/** Pure: the registry on a host that runs one. */
export function registryPhase({ name, login, registry }: ServedHost, archive: Archive): Phase {
  return { name: "registry", steps: registrySteps({ host: name, login, registry, archive }) };
}

/**
 * Pure: the bundle in it, by its serial.
 * @param mirrors some engine knows the registry as a mirror of Docker Hub. @param authority the CA of the site's first registry.
 */
export function seedPhase(
  { registry }: ServedHost,
  manifests: readonly RegistryManifest[],
  { mirrors, ...rest }: { readonly mirrors: boolean } & Pick<SeedSpec, "serial" | "authority">,
): Phase {
  return {
    name: "seed",
    steps: seedSteps({ registry, manifests: mirrors ? withMirrorNames(manifests) : manifests, ...rest }),
  };
}

/** Pure: the one fact that has to be known of a registry host before any other host can be looked at. */
export function authorityPhase({ name, registry }: ServedHost): Phase {
  return { name: "registry", steps: [authorityStep(name, registry)] };
}

/**
 * The CA out of what a registry host has reported; undefined when it has told none.
 * @throws {E_REGISTRY_CA} when it could vouch for anything else, or the site names others.
 */
export function authorityOf(spec: ServedHost, report: string): Authority | undefined {
  const { values, twice } = parseReport(report);
  const value = values?.[authorityCode];
  if (value === undefined) return undefined;
  // Of two nobody could say which one counts.
  const authority = reportedAuthority(spec, twice === undefined ? value : "");
  if ("code" in authority) throw new SealiftError([authority]);
  return authority;
}
