/** Where power is cut, and what has come of it. Pure. */
import type { GuestKind } from "../lab/machine-choice.ts";

/** One power cut. */
export interface Cut {
  readonly phase: string;
  /** The first run of a bare host, the run that changes everything, or the update of an application. */
  readonly site: "first" | "changed" | "update";
  /**
   * After so many lines that the phase has written into the host's journal, or at this of the {@link updatePlaces}; absent: when its run has
   * ended, before Pulumi has reported it.
   */
  readonly line?: number;
  /** The same in words. */
  readonly at: string;
  /** The last cut before the site is another one, or the machine. */
  readonly last: boolean;
}

const phases = ["volumes", "users", "engine", "daemon"] as const;
const tallied = [...phases, "apps"] as const;
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

/** A cut that was made, and what came of it. */
export interface Done extends Cut {
  /** Facts that the host had reported before the cut and that do not hold after the boot. */
  readonly lost: readonly string[];
  /** What the run after the boot ended with. */
  readonly next: "goes on" | "failed";
}

/** What an update of an application comes to, in its order: in words, and a shell test that holds from then on, with $app and $release. */
export const updatePlaces: readonly (readonly [words: string, test: string])[] = [
  ["the new release is on the host", 'ls -d "$app/releases/$release"-*'],
  ["compose has begun", '[ "$run.run" -nt "$start" ]'],
  ["the old container has ended", 'grep " die$" "$run.events" && [ "$run.events" -nt "$start" ]'],
  ["the new container has started", 'grep " start$" "$run.events" && [ "$run.events" -nt "$start" ]'],
  ["the new container is healthy", 'grep " healthy$" "$run.events" && [ "$run.events" -nt "$start" ]'],
  ["the new release is the current one", 'readlink "$app/current" | grep "releases/$release-"'],
];

/** A cut in an update, at a random one of its places and up to a second later. */
export interface UpdateCut extends Cut {
  /** How long it waits once the place is reached. */
  readonly seconds: number;
}

/** @param random a number from 0 to below 1, as Math.random gives them. */
export function cutOfUpdate(random: () => number): UpdateCut {
  const index = Math.floor(random() * (updatePlaces.length + 1));
  const [words] = updatePlaces[index] ?? [];
  const at = { phase: "apps", site: "update", last: true, seconds: random() } as const;
  return words === undefined ? { ...at, at: "its run has ended" } : { ...at, line: index + 1, at: words };
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
  return tallied.flatMap((phase) =>
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
