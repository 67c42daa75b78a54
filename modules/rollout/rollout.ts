/** Rolls out wave after wave: the next hosts start when the previous ones are done and healthy. */
import * as pulumi from "@pulumi/pulumi";
import { differences, tallyOf, type Tally } from "../core/host/drift.ts";
import { neededDeliveries } from "../core/host/delivery.ts";
import { formatProblem, type Problem } from "../core/errors.ts";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import { endOf } from "../core/pulumi/known-output.ts";
import { checkAgain } from "./gate.ts";
import { preflightWarnings } from "../preflight/index.ts";
import { factPhases, isInSync, wavePhases, type HostPhases } from "./phases.ts";
import { swarmGate } from "./swarm-gate.ts";
import { leavesItsTasks } from "./drained-workers.ts";
import { wavesOf, type Wave } from "./waves.ts";
import type { SitePlan, HostPlan } from "./plan-site.ts";

/** The outcome of a site. */
export interface RolledOut<T> {
  /** The hosts that were started, by name. */
  readonly provisioned: ReadonlyMap<string, ProvisionedHostResources<T>>;
  /**
   * Why the run has to fail although every changed host accepted its changes; empty when every fact holds that was to be made
   * true.
   */
  readonly problems: readonly Problem[];
}

export interface ProvisionedHostResources<T> {
  /** The last of its resources; undefined when one of them has failed and others continued (`pulumi up --continue-on-error`). */
  readonly last: T | undefined;
  /** With everything that other hosts have reported in this run. */
  readonly phases: HostPhases;
  /** Its facts after its plans, or at the start when there was nothing to do. In a preview always at the start. */
  readonly tally: Tally;
}

/**
 * Provisions every host of a site. A preview shows all of them; an update waits for each wave, and checks every host of it again.
 * The waves end after one that is not healthy; unreachable hosts are reported at the end, when all others are done.
 *
 * @param provision creates the resources of one host and returns the last of them.
 */
export async function rollOut<T extends PhaseResource>(
  site: SitePlan,
  provision: (host: HostPlan) => T,
): Promise<RolledOut<T>> {
  const provisioned = new Map<string, ProvisionedHostResources<T>>();
  const begin = (plan: HostPlan): { readonly plan: HostPlan; readonly last: T } => {
    const { spec, phases, probe } = plan;
    const last = provision(plan);
    const tally = tallyOf(factPhases(phases), probe, preflightWarnings(spec, probe).length);
    provisioned.set(spec.name, { last, phases, tally });
    return { plan, last };
  };
  const problems: Problem[] = [];
  /** The current group of hosts that no gate waits for. */
  const group: T[] = [];
  const waves = wavesOf(site.hosts.map(candidate), site.rollout);
  const changesMembers = site.hosts.some(
    (host) => host.phases.swarm !== undefined && candidate(host).changes && candidate(host).answers,
  );
  const gate = changesMembers && !pulumi.runtime.isDryRun() ? await swarmGate(site) : undefined;
  for (const [index, wave] of waves.entries()) {
    const hosts = site.hosts.filter(({ spec }) => wave.hosts.includes(spec.name));
    if (wave.kind === "unreachable" && !pulumi.runtime.isDryRun()) {
      problems.push(...hosts.flatMap(silence));
      continue;
    }
    if (wave.kind === "unchanged" || pulumi.runtime.isDryRun()) {
      for (const host of hosts) {
        if (group.length === groupSize) await registered(group.splice(0));
        group.push(begin(host).last);
      }
      continue;
    }
    const made = hosts.map(begin);
    // When a Command fails, Pulumi ends the program, unless it was instructed to continue with others.
    const ends = await Promise.all(made.map(({ last }) => endOf(last.report)));
    const checked = await checkAgain(
      made.map(({ plan, last: { host } }) => ({ plan, host })),
      site,
    );
    for (const [at, { phases, tally, failing, leftOut, warnings }] of checked.entries()) {
      const { plan, last } = made[at] ?? {};
      for (const warning of warnings) void pulumi.log.warn(formatProblem(warning), last?.host);
      const failed = ends[at] === "failed";
      if (plan !== undefined)
        provisioned.set(plan.spec.name, { last: failed ? undefined : last, phases, tally });
      // Pulumi has already printed the reason.
      if (!failed) problems.push(...failing, ...leftOut);
    }
    if (!ends.includes("failed") && checked.every(({ failing }) => failing.length === 0)) {
      const lost = (await gate?.()) ?? [];
      problems.push(...lost);
      if (lost.length === 0) continue;
    }
    problems.push(
      ...stopped(
        wave,
        waves.slice(index + 1).filter(({ kind }) => kind === "wave"),
      ),
    );
    break;
  }
  return { provisioned, problems };
}

/**
 * How many hosts are registered at a time, unless a wave limits them. A resource that waits for Pulumi's reply needs many times the memory of a
 * registered one. The resources of a host mostly wait for each other, so this many hosts keep Pulumi busy (`--parallel`).
 */
const groupSize = 32;

/** Waits until these hosts are registered or have failed. A preview may not know their outputs even then. */
async function registered(group: readonly PhaseResource[]): Promise<void> {
  await Promise.all(group.map(({ report }) => endOf(report)));
}

/**
 * Two hosts of the registry never change together: one of them keeps serving the site; nor do two managers, so that the swarm keeps its quorum;
 * nor two members whose tasks the others take over.
 */
function candidate(plan: HostPlan): Parameters<typeof wavesOf>[0][number] {
  const { spec, phases, probe } = plan;
  const lost = neededDeliveries(differences(phases.delivery, probe) ?? [], isInSync(phases, probe));
  return {
    name: spec.name,
    ...(spec.rack === undefined ? {} : { rack: spec.rack }),
    exclusionGroups: [
      ...(phases.registry === undefined ? [] : ["registry"]),
      ...(phases.cluster === undefined ? [] : ["manager"]),
      // A manager that acts for another member stays up meanwhile.
      ...(leavesItsTasks(plan) ? ["tasks"] : []),
    ],
    changes:
      lost.length > 0 || wavePhases(phases).some((phase) => (differences(phase, probe) ?? []).length > 0),
    answers: probe.kind === "reached",
  };
}

function silence({ probe }: HostPlan): Problem[] {
  return probe.kind === "reached" ? [] : [probe.problem];
}

/** What the operator has to know about the other hosts. */
function stopped(wave: Wave, next: readonly Wave[]): Problem[] {
  const left = next.flatMap(({ hosts }) => hosts);
  if (left.length === 0) return [];
  return [
    {
      where: "rollout",
      code: "E_GATE",
      subject: wave.hosts.join(", "),
      found: "the gate failed, so the rollout stopped",
      expected: "a gate that passes before the next hosts start",
      fix: `resolve the findings of the failed hosts and run pulumi up again; not started: ${left.join(", ")}`,
    },
  ];
}
