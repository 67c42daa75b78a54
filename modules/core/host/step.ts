/** A step is a value: a fact about a host, and the shell functions that check it and make it true. */
import { quote } from "../quote.ts";

/** The impact of a step on the containers of the host, from none to the highest. */
export const effects = ["none", "reload", "restart", "containers-stop"] as const;
export type Effect = (typeof effects)[number];

export interface Step {
  /** `<phase>.<thing>`, unique on a host and stable: journals and previews refer to it. */
  readonly code: string;
  /** The fact that holds afterwards, as a sentence without a full stop: "volume vg0/data is 200 GiB". */
  readonly fact: string;
  readonly effect: Effect;
  /** `check_<name>` and `apply_<name>` of the phase's shell file, and their arguments. */
  readonly call: readonly [name: string, ...args: string[]];
  /** An argument is a secret: Pulumi stores the phase's plan encrypted and shows no diff of it. @default false */
  readonly secret?: true;
}

/** Related steps on one host. */
export interface Phase {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** The bundle of a run, as the host compares it with the last one that it had. */
export interface BundleAge {
  readonly serial: number;
  /** The serial from which somebody went back on purpose, so that a host that has it goes back as well. Default none. */
  readonly backFrom?: number | "any";
}

/**
 * The steps of one phase on one host as lines of shell calls: Pulumi stores this in its state and shows it as a diff.
 *
 * @param bundle for the journal on the host, which refuses a bundle older than the last one.
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
  // run.sh refuses a plan without its last line: truncation could cut within a number.
  return [head, ...lines, ["end"]].map((words) => words.map(quote).join(" ") + "\n").join("");
}
