/** Where the time of the processors goes, which says of a long run whether it had much to do or had to share. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Of a run or of one program, in seconds of one processor. */
export interface ProcessorTime {
  readonly own: number;
  /** Other programs of this machine. */
  readonly others: number;
  /** All there was: time that has passed, for each processor. */
  readonly available: number;
}

/** Ticks a second of /proc/<pid>/stat: USER_HZ of proc_pid_stat(5), which is 100 on all that Linux calls x86-64 and arm64. */
const ticks = 100;

/**
 * Seconds of all children that have ended and of theirs: cutime and cstime of proc_pid_stat(5). A virtual machine is among them, and so
 * is what has run in a container.
 */
export function childSeconds(stat: string = readFileSync("/proc/self/stat", "utf8")): number {
  // The second field is the program's name in parentheses, with whatever it has in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / ticks;
}

/** Starts to measure. @returns what has been used since. */
export function measureProcessors(): () => ProcessorTime {
  const [own, all] = [ownSeconds(), machineSeconds()];
  return () => {
    const now = machineSeconds();
    const used = ownSeconds() - own;
    return {
      own: used,
      others: Math.max(0, now.busy - all.busy - used),
      available: now.available - all.available,
    };
  };
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return childSeconds() + (user + system) / 1e6;
}

function machineSeconds(): { readonly busy: number; readonly available: number } {
  const sum = (of: (times: ReturnType<typeof cpus>[number]["times"]) => number): number =>
    cpus().reduce((all, { times }) => all + of(times), 0) / 1000;
  const busy = sum(({ user, nice, sys, irq }) => user + nice + sys + irq);
  return { busy, available: busy + sum(({ idle }) => idle) };
}
