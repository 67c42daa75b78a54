/** The order in which hosts change: a few first, and the others when those are well. Pure. */
import type { RolloutSpec } from "./core/rollout.ts";

/** A host as the order sees it. */
export interface Candidate {
  readonly name: string;
  readonly rack?: string;
  /** Whether this run would change it. */
  readonly changes: boolean;
  /** Whether it answers. */
  readonly answers: boolean;
  /** Hosts with the same word never change together. */
  readonly never?: string;
}

export interface Wave {
  /** Names, in the order of the site. */
  readonly hosts: readonly string[];
  /** settled: nothing changes there. wave: one after the other, each with its gate. silent: nobody answers there. */
  readonly kind: "settled" | "wave" | "silent";
}

/** One host, then a tenth, then the rest. */
export const defaultWaves: NonNullable<RolloutSpec["waves"]> = [1, "10%", "100%"];

/**
 * Every host in exactly one wave. Those that are right already come first, all at once, so that an interrupted rollout goes on
 * where it stopped; those that do not answer come last, so that they keep nobody else from being done.
 */
export function wavesOf(hosts: readonly Candidate[], rollout: RolloutSpec = {}): readonly Wave[] {
  const changing = hosts.filter(({ changes, answers }) => changes && answers);
  const settled = hosts.filter(({ changes, answers }) => !changes && answers);
  const silent = hosts.filter(({ answers }) => !answers);
  return [
    ...(settled.length === 0 ? [] : [{ hosts: namesOf(settled), kind: "settled" as const }]),
    ...ordered(changing, rollout).map((wave) => ({ hosts: namesOf(wave), kind: "wave" as const })),
    ...(silent.length === 0 ? [] : [{ hosts: namesOf(silent), kind: "silent" as const }]),
  ];
}

function ordered(changing: readonly Candidate[], rollout: RolloutSpec): readonly Candidate[][] {
  const { waves = defaultWaves, maxUnavailable = changing.length, perRack = false } = rollout;
  const most = Math.min(atMost(maxUnavailable, changing.length), changing.length);
  const result: Candidate[][] = [];
  let left = [...changing];
  for (let index = 0; left.length > 0; index++) {
    // The last size counts for all that follow.
    let size = atMost(waves[Math.min(index, waves.length - 1)] ?? "100%", changing.length);
    while (size > 0 && left.length > 0) {
      const chunk = together(left, Math.min(size, most), perRack);
      result.push(chunk);
      left = left.filter((host) => !chunk.includes(host));
      size -= chunk.length;
    }
  }
  return result;
}

/** The first hosts that may change at the same time. */
function together(hosts: readonly Candidate[], most: number, perRack: boolean): Candidate[] {
  const [first] = hosts;
  const chunk: Candidate[] = [];
  for (const host of hosts) {
    if (chunk.length === most) break;
    const elsewhere = perRack && host.rack !== first?.rack;
    const clashes = host.never !== undefined && chunk.some(({ never }) => never === host.never);
    if (!elsewhere && !clashes) chunk.push(host);
  }
  return chunk;
}

/** A number, or a part of all that is rounded up: at least one. */
function atMost(size: number | string, all: number): number {
  if (typeof size === "number") return size;
  return Math.max(1, Math.ceil((Number(size.replace("%", "")) * all) / 100));
}

function namesOf(hosts: readonly Candidate[]): string[] {
  return hosts.map(({ name }) => name);
}
