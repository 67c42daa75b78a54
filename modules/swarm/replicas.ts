/** What a manager reports of its swarm before a run and after a wave, and what the swarm has lost in between. Pure. */
import type { Phase, Step } from "../core/host/step.ts";

export const replicasStep: Step = {
  code: "gate.swarm",
  fact: "the swarm has its quorum, and no service has fewer replicas than before the run",
  effect: "none",
  call: ["swarm_replicas"],
};

export const replicasPhase: Phase = { name: "gate", steps: [replicasStep] };

interface Seen {
  readonly reachable: number;
  readonly managers: number;
  /** Running and desired tasks of services that have too few. */
  readonly short: ReadonlyMap<string, readonly [number, number]>;
}

/**
 * Pure: what a swarm has lost, one sentence each.
 *
 * @param before what `replicas.sh` has reported before the run, which is not trusted: what has another form is no swarm.
 * @param now the same after a wave.
 */
export function lostInSwarm(before: string, now: string): readonly string[] {
  const had = parse(before);
  if (had === undefined || !isMajority(had)) return [];
  const has = parse(now);
  if (has === undefined) return ["the swarm has no leader, or its manager does not answer"];
  return [
    ...(isMajority(has) ? [] : [`${has.reachable} of ${has.managers} managers are reachable`]),
    ...[...has.short].flatMap(([name, [running, desired]]) => {
      const [earlier] = had.short.get(name) ?? [desired];
      return running < earlier ? [`service ${name} has ${running} of ${desired} replicas`] : [];
    }),
  ];
}

function isMajority({ reachable, managers }: Seen): boolean {
  return reachable * 2 > managers;
}

function parse(line: string): Seen | undefined {
  const [managers = "", ...services] = line.split(" ");
  const counted = /^(\d{1,4})\/(\d{1,4})$/.exec(managers);
  if (counted === null) return undefined;
  const short = services.flatMap((one) => {
    const [, name, running, desired] = /^([\w.-]{1,128})=(\d{1,9})\/(\d{1,9})$/.exec(one) ?? [];
    return name === undefined ? [] : [[name, [Number(running), Number(desired)] as const] as const];
  });
  return { reachable: Number(counted[1]), managers: Number(counted[2]), short: new Map(short) };
}
