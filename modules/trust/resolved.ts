/** The trust phase once the registry hosts have reported in the same run. */
import * as pulumi from "@pulumi/pulumi";
import type { CaBundle } from "../core/site/registry.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { trustPhase } from "./index.ts";

/** The phase with the CAs that registry hosts report in this run. */
export function resolvedTrust(
  { registry }: HostSpec,
  caBundles: readonly pulumi.Output<CaBundle | undefined>[],
): pulumi.Output<Phase> | undefined {
  if (registry === undefined) return undefined;
  return pulumi.all([...caBundles]).apply((made) => {
    const known = made.filter((one) => one !== undefined);
    return trustPhase(registry, known.length < made.length ? undefined : known);
  });
}
