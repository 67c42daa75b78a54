/** A swarm made by Sealift's facts alone: the phases of its members and of the swarm, without Pulumi in between. */
import assert from "node:assert/strict";
import type { StepReport } from "../../../modules/core/host/report.ts";
import type { SwarmSpec } from "../../../modules/core/site/swarm.ts";
import { clusterSteps } from "../../../modules/swarm/cluster-steps.ts";
import { invitationIn, memberSteps, withInvitation } from "../../../modules/swarm/steps.ts";
import { dataRoot } from "./engine-in-guest.ts";
import type { SwarmNode } from "./swarm-in-guests.ts";

/** All nodes are managers. */
export function specOf(nodes: readonly SwarmNode[], more: Partial<SwarmSpec> = {}): SwarmSpec {
  const [first] = nodes;
  return {
    ...{ name: "plant-1", self: first?.host ?? "", removed: [], networks: [] },
    members: nodes.map(({ host, address }) => ({
      ...{ host, address, role: "manager", availability: "active", labels: {} },
    })),
    addressPool: { base: "172.29.0.0/16", size: 24 },
    ...{ ingress: { mtu: 1500 }, dataPathPort: 4789, certificateExpiry: "8760h" },
    ...more,
  };
}

/** The first node creates the swarm, the others join it. */
export async function joinByFacts([first, ...others]: readonly SwarmNode[], spec: SwarmSpec): Promise<void> {
  assert.ok(first);
  const inviting = first.host;
  const of = (node: SwarmNode): SwarmSpec => ({ ...spec, self: node.host });
  const state = { inviting, ca: undefined };
  const text = await applied(first, memberSteps(of(first), state, dataRoot));
  const invitation = invitationIn(text, inviting);
  for (const node of others) {
    const phase = { name: "swarm", steps: memberSteps(of(node), state, dataRoot) } as const;
    await applied(node, withInvitation(phase, of(node), dataRoot, invitation).steps);
  }
}

/** @returns the report. */
export async function applied(
  { host, engine }: SwarmNode,
  steps: ReturnType<typeof clusterSteps>,
): Promise<string> {
  const { steps: done, text } = await engine.on.run("apply", steps);
  assert.deepEqual(notWell(done), [], `${host}: ${text}`);
  assert.equal(done.length, steps.length, `${host}: ${text}`);
  return text;
}

/** What neither holds nor was made to. */
export function notWell(steps: readonly StepReport[]): readonly string[] {
  return steps
    .filter(({ status }) => status !== "ok" && status !== "changed")
    .map(({ code, status, found }) => `${code} ${status} ${found}`);
}
