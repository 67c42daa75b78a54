/**
 * The registry that feeds the site, and the bundle in it. @stateful Destroying leaves both: program, CA, password and all
 * that is in the registry.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Archive } from "../core/blob.ts";
import type { Host } from "../core/converge.ts";
import { SealiftError } from "../core/errors.ts";
import { explain } from "../core/explain.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import { parseReport } from "../core/report.ts";
import { reportedAuthority } from "../core/reported-authority.ts";
import type { Authority } from "../core/registry.ts";
import { isServed, type ServedHost } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { withMirrorNames, type RegistryManifest } from "./content.ts";
import { seedSteps, withAuthority, type SeedSpec } from "./seed.ts";
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

/** The phase of a registry that another one feeds, with the CA that the other reports in this very run. */
export function settledSeed(phase: Phase, authority: Registry["authority"]): pulumi.Output<Phase> {
  return authority.apply((known) => ({ ...phase, steps: withAuthority(phase.steps, known) }));
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

/**
 * The same of a run: the host has shown another CA at the look, or none.
 * @throws {pulumi.RunError} one line on that host.
 */
export function settledAuthority(spec: ServedHost, report: string): Promise<Authority | undefined> {
  return explain(() => Promise.resolve(authorityOf(spec, report)));
}

export class Registry extends PhaseResource {
  /** The CA that this host has made. */
  readonly authority: pulumi.Output<Authority | undefined>;

  /** @throws {TypeError} when the host runs no registry. */
  constructor(host: Host, phase: Phase, after: readonly PhaseResource[]) {
    const { spec } = host.args;
    if (!isServed(spec)) throw new TypeError(`${spec.name} runs no registry`);
    super("sealift:registry:Registry", host, phase, [...after, ...host.blobs]);
    this.authority = this.report.apply((report) => settledAuthority(spec, report));
  }
}

export class Seed extends PhaseResource {
  /** @param settled the phase as it is once the registry that feeds this one has made its CA. */
  constructor(host: Host, phase: Phase, after: readonly pulumi.Resource[], settled?: pulumi.Output<Phase>) {
    super("sealift:registry:Seed", host, phase, after, settled);
  }
}
