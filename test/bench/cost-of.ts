/** What a program and all that it starts cost: memory of their own at the most (PSS: shared pages are shared out), and processor time. */
import { readdirSync, readFileSync } from "node:fs";

const everyMs = 500;
/** USER_HZ, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Cost {
  /** The highest sum that was seen. */
  readonly bytes: number;
  /** Seconds of processor time, user and system. */
  readonly processorSeconds: number;
}

export interface CostWatch {
  /** Ends the watch. */
  readonly end: () => Cost;
}

/** Linux: /proc/<pid>/stat and smaps_rollup. What lives shorter than half a second may be missed. */
export function watchCost(pid: number): CostWatch {
  let bytes = 0;
  let ticks = 0;
  const sample = (): void => {
    const family = familyOf(pid);
    bytes = Math.max(
      bytes,
      family.reduce((sum, one) => sum + ownBytes(one.pid), 0),
    );
    ticks = Math.max(
      ticks,
      family.reduce((sum, one) => sum + one.ticks, 0),
    );
  };
  const timer = setInterval(sample, everyMs);
  return {
    end: () => {
      clearInterval(timer);
      return { bytes, processorSeconds: ticks / ticksPerSecond };
    },
  };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own, and those of its children that have ended. */
  readonly ticks: number;
}

function familyOf(root: number): readonly Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)));
  const family = all.filter(({ pid }) => pid === root);
  for (const one of family) family.push(...all.filter(({ parent }) => parent === one.pid));
  return family;
}

/** proc(5), stat: the name of the program stands in brackets and may have spaces. */
function readProcess(pid: number): Process {
  const words = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  const [user = 0, system = 0, ofChildren = 0, systemOfChildren = 0] = words.slice(11, 15).map(Number);
  return { pid, parent: Number(words[1] ?? 0), ticks: user + system + ofChildren + systemOfChildren };
}

function ownBytes(pid: number): number {
  return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
