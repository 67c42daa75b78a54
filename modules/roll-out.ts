/** Wave after wave: the next hosts are begun when those before are done and well. */
import * as pulumi from "@pulumi/pulumi";
import { differences, tallyOf, type Tally } from "./core/drift.ts";
import type { Problem } from "./core/errors.ts";
import type { PhaseResource } from "./core/phase-resource.ts";
import { valueOf } from "./core/value-of.ts";
import { checkAgain } from "./gate.ts";
import { factPhases, type HostPhases } from "./phases.ts";
import { wavesOf, type Wave } from "./waves.ts";
import type { Survey, SurveyedHost } from "./survey.ts";

/** What has come of a site. */
export interface RolledOut<T> {
  /** The hosts that were begun, by name. */
  readonly begun: ReadonlyMap<string, BegunHost<T>>;
  /** Why the run is to fail, though every host that was changed took it: nothing when each fact holds that was to be made true. */
  readonly problems: readonly Problem[];
}

export interface BegunHost<T> {
  /** The last of its resources. */
  readonly last: T;
  /** With all that other hosts have reported in this run. */
  readonly phases: HostPhases;
  /** Its facts after its plans, or at the start when there was nothing to do. In a preview always at the start. */
  readonly tally: Tally;
}

/**
 * Provisions every host of a site. A preview shows all of them at once; an update waits for each wave, and checks every host of it again.
 * The waves end after one that is not well; hosts that do not answer are told at the end, when all others are done.
 *
 * @param provision makes the resources of one host, and gives the last of them.
 */
export async function rollOut<T extends PhaseResource>(
  site: Survey,
  provision: (host: SurveyedHost) => T,
): Promise<RolledOut<T>> {
  const begun = new Map<string, BegunHost<T>>();
  const begin = (seen: SurveyedHost): { readonly seen: SurveyedHost; readonly last: T } => {
    const { spec, phases, probe } = seen;
    const last = provision(seen);
    begun.set(spec.name, { last, phases, tally: tallyOf(factPhases(phases), probe) });
    return { seen, last };
  };
  const problems: Problem[] = [];
  const waves = wavesOf(site.hosts.map(candidate), site.rollout);
  for (const [index, wave] of waves.entries()) {
    const hosts = site.hosts.filter(({ spec }) => wave.hosts.includes(spec.name));
    if (wave.kind === "silent" && !pulumi.runtime.isDryRun()) {
      problems.push(...hosts.flatMap(silence));
      continue;
    }
    const made = hosts.map(begin);
    if (wave.kind === "settled" || pulumi.runtime.isDryRun()) continue;
    // When a Command fails, Pulumi ends the program.
    await Promise.all(made.map(({ last }) => valueOf(last.report)));
    const checked = await checkAgain(
      made.map(({ seen, last: { host } }) => ({ seen, host })),
      site,
    );
    for (const [at, { phases, tally, failing, leftOut }] of checked.entries()) {
      const { seen, last } = made[at] ?? {};
      if (seen !== undefined && last !== undefined) begun.set(seen.spec.name, { last, phases, tally });
      problems.push(...failing, ...leftOut);
    }
    if (checked.every(({ failing }) => failing.length === 0)) continue;
    problems.push(
      ...stopped(
        wave,
        waves.slice(index + 1).filter(({ kind }) => kind === "wave"),
      ),
    );
    break;
  }
  return { begun, problems };
}

/** Two hosts of the registry never change together: one of them goes on feeding the site. */
function candidate({ spec, phases, probe }: SurveyedHost): Parameters<typeof wavesOf>[0][number] {
  const all = [phases.delivery, ...factPhases(phases)];
  return {
    name: spec.name,
    ...(spec.rack === undefined ? {} : { rack: spec.rack }),
    ...(phases.registry === undefined ? {} : { never: "registry" }),
    changes: all.some((phase) => (differences(phase, probe) ?? []).length > 0),
    answers: probe.kind === "reached",
  };
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
