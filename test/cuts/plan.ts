/** Where power is cut, and what has come of it. Pure. */
import type { GuestKind } from "../lab/machine-choice.ts";

/** One power cut. */
export interface Cut {
  readonly phase: string;
  /** The first run of a bare host, or the run that changes everything. */
  readonly site: "first" | "changed";
  /** After so many lines that the phase has written into the host's journal; absent: when its run has ended, before Pulumi has reported it. */
  readonly line?: number;
  /** The same in words. */
  readonly at: string;
  /** The last cut before the site is another one, or the machine. */
  readonly last: boolean;
}

const phases = ["volumes", "users", "engine", "daemon"] as const;
/** Those that a change of the site concerns. */
const changing = ["volumes", "users", "daemon"] as const;

/**
 * The cuts of one machine's life, in order.
 *
 * @param life each life cuts one line later within a phase than the one before.
 * @param kind a container has its volumes before Sealift comes, so no line of that phase is a change there.
 */
export function cutsOfLife(life: number, kind: GuestKind): readonly Cut[] {
  const line = (life % 4) + 1;
  const of = (site: Cut["site"], some: readonly string[]): readonly Cut[] =>
    some
      .filter((phase) => kind === "vm" || phase !== "volumes")
      .flatMap((phase) => cutsOf(phase, site, line, phase === "daemon"));
  return [...of("first", phases), ...of("changed", changing)];
}

function cutsOf(phase: string, site: Cut["site"], line: number, last: boolean): readonly Cut[] {
  return [
    { phase, site, line, at: `line ${line} in the journal`, last: false },
    { phase, site, at: "its run has ended", last },
  ];
}

/** Codes that were reported as changed and that a preview after the boot shows as drift. */
export function lostOf(preview: string, reported: readonly string[]): readonly string[] {
  const differs = new Set(
    [...preview.matchAll(/^ +(\w+\.[\w.-]+): found: .*; expected: .*; impact: /gm)].map(
      ([, code = ""]) => code,
    ),
  );
  return reported.filter((code) => differs.has(code));
}

/** Rows of the table: phase, place, cuts, facts lost, runs that did not go on. */
export function tally(
  done: readonly (Pick<Cut, "phase" | "line"> & {
    readonly lost: readonly string[];
    readonly next: string;
  })[],
): readonly (readonly string[])[] {
  const places = ["inside", "at its end"] as const;
  return phases.flatMap((phase) =>
    places.flatMap((place) => {
      const those = done.filter(
        (one) => one.phase === phase && (one.line === undefined) === (place === "at its end"),
      );
      if (those.length === 0) return [];
      const lost = those.reduce((sum, one) => sum + one.lost.length, 0);
      const failed = those.filter(({ next }) => next === "failed").length;
      return [[phase, place, String(those.length), String(lost), String(failed)]];
    }),
  );
}
