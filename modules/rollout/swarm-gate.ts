/** Between two waves: whether the swarm of the site has its quorum, and its services the replicas that they had before the run. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "../core/errors.ts";
import { probe } from "../core/host/probe.ts";
import { lostInSwarm, replicasPhase, replicasStep } from "../swarm/replicas.ts";
import { libraryForProbe } from "./probe-site.ts";
import type { HostPlan, SitePlan } from "./plan-site.ts";

/** Seconds that services may take to start elsewhere. */
const settleSec = 180;
const pauseSec = 3;

/** After a wave with members: why the next one does not start. */
type SwarmGate = () => Promise<readonly Problem[]>;

/**
 * Asks a manager before the first wave.
 *
 * @returns undefined when there is nothing to keep: no swarm yet, or one without a quorum, whose managers the waves bring back.
 */
export async function swarmGate({
  hosts,
  library,
}: Pick<SitePlan, "hosts" | "library">): Promise<SwarmGate | undefined> {
  const spec = hosts.find(hasQuorum)?.spec;
  if (spec === undefined) return undefined;
  const ask = async (): Promise<string | Problem> => {
    const now = await probe(spec, [replicasPhase], libraryForProbe(library));
    return now.kind === "reached" ? (now.report.values?.[replicasStep.code] ?? "") : now.problem;
  };
  const before = await ask();
  if (typeof before !== "string") return undefined;
  return async () => {
    const end = Date.now() + settleSec * 1000;
    for (;;) {
      const now = await ask();
      const lost = typeof now === "string" ? lostInSwarm(before, now) : [];
      if (typeof now === "string" && lost.length === 0) return [];
      if (Date.now() >= end)
        return typeof now === "string" ? lost.map((found) => problemOf(spec.name, found)) : [now];
      await sleep(pauseSec * 1000);
    }
  };
}

function problemOf(where: string, found: string): Problem {
  const fix = "see docker node ls and docker service ps on a manager, then run pulumi up again";
  return { where, code: "E_GATE", subject: replicasStep.code, found, expected: replicasStep.fact, fix };
}

function hasQuorum({ probe: before }: HostPlan): boolean {
  const steps = before.kind === "reached" ? before.report.steps : [];
  return steps.some(({ code, status }) => code === "cluster.quorum" && status === "ok");
}
