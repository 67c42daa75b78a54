/** What a program and all that it starts cost: memory of their own at the most (PSS: shared pages are shared out), and processor time. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

const everyMs = 500;
/** USER_HZ, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Cost {
  /** The highest sum that was seen. */
  readonly bytes: number;
  /** The largest process of each program, by the program's name. */
  readonly largest: Readonly<Record<string, number>>;
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
  const largest: Record<string, number> = {};
  const sample = (): void => {
    const family = familyOf(pid);
    let sum = 0;
    for (const one of family) {
      const own = ownBytes(one.pid);
      const name = programOf(one.pid);
      sum += own;
      largest[name] = Math.max(largest[name] ?? 0, own);
    }
    bytes = Math.max(bytes, sum);
    ticks = Math.max(
      ticks,
      family.reduce((sum, one) => sum + one.ticks, 0),
    );
  };
  const timer = setInterval(sample, everyMs);
  return {
    end: () => {
      clearInterval(timer);
      return { bytes, largest, processorSeconds: ticks / ticksPerSecond };
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

/** The threads of Node rename themselves, so this is the name that it was started by. */
function programOf(pid: number): string {
  return basename(read(`/proc/${pid}/cmdline`).split("\0")[0] ?? "");
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
