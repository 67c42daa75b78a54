/** The order in which hosts change: a few first, and the others once those are healthy. Pure. */
import type { RolloutSpec } from "../core/site/rollout.ts";

/** A host as far as the order depends on it. */
export interface Candidate {
  readonly name: string;
  readonly rack?: string;
  /** Whether this run would change it. */
  readonly changes: boolean;
  /** Whether it responds. */
  readonly answers: boolean;
  /** Hosts that have one of these in common never change together. Default none. */
  readonly exclusionGroups?: readonly string[];
}

export interface Wave {
  /** Names, in the order of the site. */
  readonly hosts: readonly string[];
  /** unchanged: nothing changes there. wave: a wave with its gate. unreachable: the hosts do not respond. */
  readonly kind: "unchanged" | "wave" | "unreachable";
}

/** One host, then a tenth, then the rest. */
const defaultWaves: NonNullable<RolloutSpec["waves"]> = [1, "10%", "100%"];

/**
 * Puts every host into exactly one wave. Hosts without changes come first, all at once, so that an interrupted rollout resumes
 * where it stopped; unreachable hosts come last, so that they do not delay the others.
 */
export function wavesOf(hosts: readonly Candidate[], rollout: RolloutSpec = {}): readonly Wave[] {
  const changing = hosts.filter(({ changes, answers }) => changes && answers);
  const unchanged = hosts.filter(({ changes, answers }) => !changes && answers);
  const unreachable = hosts.filter(({ answers }) => !answers);
  return [
    ...(unchanged.length === 0 ? [] : [{ hosts: namesOf(unchanged), kind: "unchanged" as const }]),
    ...ordered(changing, rollout).map((wave) => ({ hosts: namesOf(wave), kind: "wave" as const })),
    ...(unreachable.length === 0 ? [] : [{ hosts: namesOf(unreachable), kind: "unreachable" as const }]),
  ];
}

function ordered(changing: readonly Candidate[], rollout: RolloutSpec): readonly Candidate[][] {
  const { waves = defaultWaves, maxUnavailable = changing.length, perRack = false } = rollout;
  const most = Math.min(atMost(maxUnavailable, changing.length), changing.length);
  const result: Candidate[][] = [];
  let left = [...changing];
  for (let index = 0; left.length > 0; index++) {
    // The last size applies to all further waves.
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
    const groups = host.exclusionGroups ?? [];
    const clashes = chunk.some(({ exclusionGroups = [] }) =>
      exclusionGroups.some((group) => groups.includes(group)),
    );
    if (!elsewhere && !clashes) chunk.push(host);
  }
  return chunk;
}

/** A number, or a percentage of all hosts, rounded up: at least one. */
function atMost(size: number | string, all: number): number {
  if (typeof size === "number") return size;
  return Math.max(1, Math.ceil((Number(size.replace("%", "")) * all) / 100));
}

function namesOf(hosts: readonly Candidate[]): string[] {
  return hosts.map(({ name }) => name);
}
