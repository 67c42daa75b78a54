/** A step is a value: a fact about a host, and the shell functions that check it and make it true. */
import { quote } from "./quote.ts";

/** What applying a step costs the containers on the host, from nothing to everything. */
export const effects = ["none", "reload", "restart", "containers-stop"] as const;
export type Effect = (typeof effects)[number];

export interface Step {
  /** `<phase>.<thing>`, unique on a host and stable: journals and previews speak of it. */
  readonly code: string;
  /** What is true afterwards, as a sentence without a full stop: "volume vg0/data is 200 GiB". */
  readonly fact: string;
  readonly effect: Effect;
  /** `check_<name>` and `apply_<name>` of the phase's shell file, and their arguments. */
  readonly call: readonly [name: string, ...args: string[]];
  /** An argument is a secret: Pulumi keeps the phase's plan encrypted and shows no diff of it. @default false */
  readonly secret?: true;
}

/** Steps that belong together on one host. */
export interface Phase {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** The bundle that a run works from, as a host holds it against the one it saw last. */
export interface BundleAge {
  readonly serial: number;
  /** Up to which serial somebody has gone back on purpose, so that a host which has seen it goes back, too. Default none. */
  readonly backFrom?: number | "any";
}

/**
 * The steps of one phase on one host as lines of shell calls: what Pulumi keeps in its state and shows as a diff.
 * @param bundle for the journal on the host, which refuses one that is older than the last.
 */
export function planText(host: string, phase: Phase, { serial, backFrom }: BundleAge): string {
  const head = [
    "phase",
    host,
    phase.name,
    String(serial),
    ...(backFrom === undefined ? [] : [String(backFrom)]),
  ];
  const lines = phase.steps.map(({ code, fact, effect, call }) => ["step", code, fact, effect, ...call]);
  // run.sh refuses a plan without its last line: a part of one could be cut within a number.
  return [head, ...lines, ["end"]].map((words) => words.map(quote).join(" ") + "\n").join("");
}
