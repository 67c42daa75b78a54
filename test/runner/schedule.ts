/** What may run beside what. */
import type { Lane } from "./machines.ts";

export interface Job {
  readonly name: string;
  readonly lane: Lane | "prepare";
  /** Names of jobs that have to have passed before. */
  readonly after: readonly string[];
  /** GB. */
  readonly memory: number;
}

export interface Capacity {
  /** How many of each lane at a time. */
  readonly lanes: Readonly<Record<Job["lane"], number>>;
  /** GB for all together; a job that needs more than all of it runs alone. */
  readonly memory: number;
}

/** What of this machine one run may take. */
export function capacityOf(cores: number, memoryGB: number, machines: boolean): Capacity {
  return {
    lanes: {
      prepare: 1,
      // While one machine waits for Pulumi, another has its processor.
      vm: Math.ceil(cores * 1.5),
      container: Math.max(2, cores),
      // Some of them wait: for a server that stalls, for a program that ends.
      local: machines ? Math.max(1, cores - 1) : cores + 1,
    },
    // What the machine itself goes on needing.
    memory: Math.max(1, memoryGB - 1.5),
  };
}

/**
 * How far a job steps back for the others, in steps of nice(1). One program is a third of a whole run, on virtual machines: it goes first on
 * the processors, or all the others would be over before it, and one of the processors would have nothing to do.
 *
 * @param jobs longest first.
 */
export function nicenessOf(job: Job, jobs: readonly Job[]): number {
  const longest = jobs.find(({ lane }) => lane === "vm");
  return longest === undefined || job === longest || job.lane === "prepare" ? 0 : 3;
}

/**
 * The jobs that may begin now, in the order of `waiting`. A large one waits for memory no longer than for what runs: nothing
 * passes it in its own lane.
 */
export function startable<J extends Job>(
  waiting: readonly J[],
  running: readonly Job[],
  passed: ReadonlySet<string>,
  capacity: Capacity,
): readonly J[] {
  const started: J[] = [];
  const held = new Set<Job["lane"]>();
  for (const job of waiting) {
    const now = [...running, ...started];
    if (held.has(job.lane) || !job.after.every((name) => passed.has(name))) continue;
    const full = inLane(now, job.lane) >= capacity.lanes[job.lane] + borrowed(job, waiting, now, capacity);
    const taken = now.reduce((sum, { memory }) => sum + memory, 0);
    const fits = now.length === 0 || taken + job.memory <= capacity.memory;
    if (full || !fits) held.add(job.lane);
    else started.push(job);
  }
  return started;
}

function inLane(jobs: readonly Job[], lane: Job["lane"]): number {
  return jobs.filter((job) => job.lane === lane).length;
}

/** At the end of a run only containers are left, which mostly wait: they take the places of virtual machines for which none waits any more. */
function borrowed({ lane }: Job, waiting: readonly Job[], now: readonly Job[], { lanes }: Capacity): number {
  const oneWaits = waiting.some((job) => job.lane === "vm");
  return lane === "container" && !oneWaits ? Math.max(0, lanes.vm - inLane(now, "vm")) : 0;
}

/**
 * Runs all jobs, as many at a time as there is room for.
 *
 * @param run says whether it passed; it does not throw.
 * @param barred hears of a job that cannot run because one that it comes after has not passed.
 */
export async function runJobs<J extends Job>(
  jobs: readonly J[],
  capacity: Capacity,
  run: (job: J) => Promise<boolean>,
  barred: (job: J, by: string) => void,
): Promise<void> {
  let waiting = [...jobs];
  const running = new Map<J, Promise<void>>();
  const passed = new Set<string>();
  const failed = new Set<string>();
  for (;;) {
    for (const job of waiting) {
      const by = job.after.find((name) => failed.has(name));
      if (by === undefined) continue;
      failed.add(job.name);
      barred(job, by);
    }
    waiting = waiting.filter(({ name }) => !failed.has(name));
    const begin = startable(waiting, [...running.keys()], passed, capacity);
    waiting = waiting.filter((job) => !begin.includes(job));
    for (const job of begin) {
      const ended = run(job).then((good) => {
        (good ? passed : failed).add(job.name);
        running.delete(job);
      });
      running.set(job, ended);
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (waiting.length > 0) throw new Error(`never begun: ${waiting.map(({ name }) => name).join(", ")}`);
}
