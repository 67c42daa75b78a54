/** Name and CA of the site's registry, and where image names lead. Destroying leaves them. */
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/converge.ts";
import { PhaseResource } from "../core/phase-resource.ts";
import type { Authority } from "../core/registry.ts";
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { trustPhase } from "./phase.ts";

/** The phase with the CAs that registry hosts report in this very run. */
export function settledTrust(
  { registry }: HostSpec,
  authorities: readonly pulumi.Output<Authority | undefined>[],
): pulumi.Output<Phase> | undefined {
  if (registry === undefined) return undefined;
  return pulumi.all([...authorities]).apply((made) => {
    const known = made.filter((one) => one !== undefined);
    return trustPhase(registry, known.length < made.length ? undefined : known);
  });
}

export class Trust extends PhaseResource {
  /** @param settled the phase as it is once the registry has made its CA; absent when `phase` knows it already. */
  constructor(host: Host, phase: Phase, after: readonly pulumi.Resource[], settled?: pulumi.Output<Phase>) {
    super("sealift:trust:Trust", host, phase, after, settled);
  }
}
