/** The phase of a host that joins a swarm, once a manager has invited it in the same run. */
import type * as pulumi from "@pulumi/pulumi";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { invitationIn, withInvitation } from "./steps.ts";

/**
 * The token stays a secret: the report of the inviting manager is one (converge.ts).
 *
 * @param inviting name of that manager, and its phase.
 */
export function resolvedInvitation(
  phase: Phase,
  { swarm, daemon }: Pick<HostSpec, "swarm" | "daemon">,
  inviting: { readonly host: string; readonly phase: PhaseResource },
): pulumi.Output<Phase> | undefined {
  if (swarm === undefined) return undefined;
  return inviting.phase.report.apply((report) =>
    withInvitation(phase, swarm, daemon["data-root"], invitationIn(report, inviting.host)),
  );
}
