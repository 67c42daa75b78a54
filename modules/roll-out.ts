/** Wave after wave: the next hosts are begun when those before are done and well. */
import * as pulumi from "@pulumi/pulumi";
import { differences } from "./core/drift.ts";
import { SealiftError, type Problem } from "./core/errors.ts";
import type { PhaseResource } from "./core/phase-resource.ts";
import { gateProblems } from "./gate.ts";
import { wavesOf, type Wave } from "./waves.ts";
import type { Survey, SurveyedHost } from "./survey.ts";

/**
 * Provisions every host of a site. A preview shows all of them at once; an update waits for each wave, and its gate.
 *
 * @param provision makes the resources of one host, and gives the last of them.
 * @returns the last resource of each host, by its name.
 * @throws {SealiftError} E_GATE after a wave that is not well: no host after it is begun. E_HOST_UNREACHABLE at the end, when all
 * others are done.
 */
export async function rollOut<T extends PhaseResource>(
  site: Survey,
  provision: (host: SurveyedHost) => T,
): Promise<ReadonlyMap<string, T>> {
  const made = new Map<string, T>();
  const waves = wavesOf(site.hosts.map(candidate), site.rollout);
  for (const [index, wave] of waves.entries()) {
    const hosts = site.hosts.filter(({ spec }) => wave.hosts.includes(spec.name));
    if (pulumi.runtime.isDryRun()) {
      for (const host of hosts) made.set(host.spec.name, provision(host));
      continue;
    }
    if (wave.kind === "silent") throw new SealiftError(hosts.flatMap(silence));
    for (const host of hosts) made.set(host.spec.name, provision(host));
    if (wave.kind === "settled") continue;
    await Promise.all(hosts.map(({ spec }) => done(made.get(spec.name))));
    const next = waves.slice(index + 1).filter(({ kind }) => kind === "wave");
    if (next.length === 0 && site.rollout.gate === undefined) continue;
    const problems = await gateProblems(hosts, site);
    if (problems.length > 0) throw new SealiftError([...problems, ...stopped(wave, next)]);
  }
  return made;
}

/** Two hosts of the registry never change together: one of them goes on feeding the site. */
function candidate({ spec, phases, probe }: SurveyedHost): Parameters<typeof wavesOf>[0][number] {
  const all = Object.values(phases).filter(({ name }) => name !== "preflight");
  return {
    name: spec.name,
    ...(spec.rack === undefined ? {} : { rack: spec.rack }),
    ...(phases.registry === undefined ? {} : { never: "registry" }),
    changes: all.some((phase) => (differences(phase, probe) ?? []).length > 0),
    answers: probe.kind === "reached",
  };
}

/** Waits for the Command itself; when it fails, Pulumi ends the program. */
function done(resource: PhaseResource | undefined): Promise<unknown> {
  return new Promise((resolve) => resource?.report.apply(resolve));
}

function silence({ probe }: SurveyedHost): Problem[] {
  return probe.kind === "reached" ? [] : [probe.problem];
}

/** What the operator has to know of the others. */
function stopped(wave: Wave, next: readonly Wave[]): Problem[] {
  const left = next.flatMap(({ hosts }) => hosts);
  if (left.length === 0) return [];
  return [
    {
      where: "rollout",
      code: "E_GATE",
      subject: wave.hosts.join(", "),
      got: "a gate that does not open",
      expected: "it to open before these begin",
      todo: `not begun: ${left.join(", ")}`,
    },
  ];
}
