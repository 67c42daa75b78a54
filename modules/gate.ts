/** Between two waves: whether the hosts that have just changed are what the site asks for. */
import { describe, differences } from "./core/drift.ts";
import type { Problem } from "./core/errors.ts";
import { probe } from "./core/probe.ts";
import type { Phase } from "./core/step.ts";
import { inParallel } from "../offline-bundle/parallel.ts";
import { looksAtOnce } from "./look.ts";
import { withoutAuthorities } from "./phases.ts";
import type { Survey, SurveyedHost } from "./survey.ts";

/** Looks at every host of a wave again. @returns E_GATE for each that is not well. */
export async function gateProblems(
  wave: readonly SurveyedHost[],
  { library, authorities, rollout: { gate } }: Pick<Survey, "library" | "authorities" | "rollout">,
): Promise<readonly Problem[]> {
  const own: readonly Phase[] = gate === undefined ? [] : [gatePhase(gate)];
  const { values } = await inParallel(wave, looksAtOnce, async ({ spec, phases }) => {
    const known = Object.values(authorities === undefined ? withoutAuthorities(phases) : phases);
    // Preflight says whether a host may be changed, by a clock that has gone on since.
    const all = [...known.filter(({ name }) => name !== "preflight" && name !== "delivery"), ...own];
    const seen = await probe(spec, all, library);
    if (seen.kind !== "reached") return [failed(spec.name, "host", seen.problem.got)];
    return all.flatMap((phase) =>
      (differences(phase, seen) ?? []).map((one) => failed(spec.name, one.step.code, describe(one))),
    );
  });
  return values.flat();
}

/** The site's own word on whether a host is well. */
export function gatePhase(command: string): Phase {
  return {
    name: "gate",
    steps: [
      {
        code: "gate.command",
        fact: "the site's own gate passes",
        effect: "none",
        call: ["gate_command", command],
      },
    ],
  };
}

function failed(host: string, subject: string, got: string): Problem {
  return {
    where: host,
    code: "E_GATE",
    subject,
    got,
    expected: "a host that is what the site asks for, before the next wave begins",
    todo: "mend it, then run pulumi up again: it goes on with the hosts that are left",
  };
}
