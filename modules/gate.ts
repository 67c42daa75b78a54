/** After the plans of some hosts have run: whether each of these hosts is what the site asks for. */
import type { Host } from "./core/converge.ts";
import { differences, tallyOf, unheldFact, type Difference, type Tally } from "./core/drift.ts";
import type { Problem } from "./core/errors.ts";
import { probe } from "./core/probe.ts";
import type { Phase } from "./core/step.ts";
import { valueOf } from "./core/value-of.ts";
import { inParallel } from "../offline-bundle/parallel.ts";
import { libraryToLook, looksAtOnce } from "./look.ts";
import { factPhases, type HostPhases } from "./phases.ts";
import type { Survey, SurveyedHost } from "./survey.ts";

/** A host after its plans. */
export interface CheckedHost {
  /** Its phases with all that other hosts have reported in this run. */
  readonly phases: HostPhases;
  readonly tally: Tally;
  /** Why it is not well: the next wave does not begin. */
  readonly failing: readonly Problem[];
  /** Facts that did not hold before, and that Pulumi was told to leave as they are. */
  readonly leftOut: readonly Problem[];
}

/** Checks every host of a wave again, by the same facts as before the run, and by the site's own command. */
export async function checkAgain(
  wave: readonly { readonly seen: SurveyedHost; readonly host: Host }[],
  { library, rollout: { gate } }: Pick<Survey, "library" | "rollout">,
): Promise<readonly CheckedHost[]> {
  const own: readonly Phase[] = gate === undefined ? [] : [gatePhase(gate)];
  const { values } = await inParallel(wave, looksAtOnce, async ({ seen, host }) => {
    const { name } = seen.spec;
    const { phases, repaired } = await settled(seen.phases, host);
    // Preflight says whether a host may be changed, by a clock that has gone on since.
    const facts = factPhases(phases);
    const all = [phases.delivery, ...facts, ...own];
    const now = await probe(seen.spec, all, libraryToLook(library));
    const tally = tallyOf(facts, now);
    if (now.kind !== "reached") return { phases, tally, failing: [now.problem], leftOut: [] };
    const wrong = all.flatMap((phase) => {
      const before = own.includes(phase) ? [] : (differences(phase, seen.probe) ?? []);
      const left = !repaired.has(phase.name) && before.length > 0;
      return (differences(phase, now) ?? []).map((one) => ({ left, problem: problemOf(name, one, left) }));
    });
    const those = (left: boolean): Problem[] =>
      wrong.filter((one) => one.left === left).map(({ problem }) => problem);
    return { phases, tally, failing: those(false), leftOut: those(true) };
  });
  return values;
}

/** Waits for all plans of a host: what they came to be, and which of them have run. */
async function settled(
  phases: HostPhases,
  { plans }: Host,
): Promise<{ phases: HostPhases; repaired: ReadonlySet<string> }> {
  const all = await Promise.all(
    plans.map(async ({ name, phase, repaired }) => ({
      name,
      phase: await valueOf(phase),
      repaired: await valueOf(repaired),
    })),
  );
  const known = all.flatMap(({ name, phase }) => (phase === undefined ? [] : [[name, phase] as const]));
  return {
    phases: { ...phases, ...Object.fromEntries(known) },
    repaired: new Set(all.flatMap(({ name, repaired }) => (repaired === true ? [name] : []))),
  };
}

const gateCode = "gate.command";

/** The site's own word on whether a host is well. */
export function gatePhase(command: string): Phase {
  return {
    name: "gate",
    steps: [
      {
        code: gateCode,
        fact: "the site's own gate passes",
        effect: "none",
        call: ["gate_command", command],
      },
    ],
  };
}

function problemOf(host: string, one: Difference, left: boolean): Problem {
  const todo = left
    ? "this run was told to leave it as it is: run pulumi up without --target and --exclude"
    : "find out why it does not hold after the host was changed, then run pulumi up again";
  const problem = unheldFact(host, one, todo);
  return one.step.code === gateCode ? { ...problem, code: "E_GATE" } : problem;
}
