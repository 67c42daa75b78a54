/**
 * The registry that feeds the site, and the bundle in it. @stateful Destroying leaves both: program, CA, password and all
 * that is in the registry.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/converge.ts";
import { explain } from "../core/explain.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Authority } from "../core/registry.ts";
import { isServed, type ServedHost } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { authorityOf } from "./phase.ts";
import { withAuthority } from "./seed.ts";

/** The phase of a registry that another one feeds, with the CA that the other reports in this very run. */
export function settledSeed(phase: Phase, authority: Registry["authority"]): pulumi.Output<Phase> {
  return authority.apply((known) => ({ ...phase, steps: withAuthority(phase.steps, known) }));
}

/**
 * {@link authorityOf} of a run: the host has shown another CA at the look, or none.
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
