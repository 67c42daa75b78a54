/** One sshd's door: how many of us knock at a time, and what is done by whoever is turned away. */
import { setTimeout as pause } from "node:timers/promises";

/** Below 10, from where sshd begins to turn away by chance (sshd_config(5), MaxStartups 10:30:100). */
const knocksAtOnce = 8;

/** Nine tries, at most 38 s of pauses between them: on a machine that is busy too, a login alone takes seconds. */
const pausesMs = [300, 600, 1200, 2400, 4800, 9600, 9600, 9600] as const;

interface Door {
  free: number;
  readonly waiting: (() => void)[];
}
const doors = new Map<string, Door>();

/**
 * Does `work` when there is room at the door. It makes room for the next one by `entered`, at the latest by its end.
 * @param name of the door: every host behind one jump host has the same.
 */
export async function atDoor<T>(name: string, work: (entered: () => void) => Promise<T>): Promise<T> {
  const door = doors.get(name) ?? { free: knocksAtOnce, waiting: [] };
  doors.set(name, door);
  if (door.free > 0) door.free -= 1;
  else await new Promise<void>((resolve) => door.waiting.push(resolve));
  let inside = false;
  const entered = (): void => {
    if (inside) return;
    inside = true;
    const next = door.waiting.shift();
    if (next === undefined) door.free += 1;
    else next();
  };
  try {
    return await work(entered);
  } finally {
    entered();
  }
}

/**
 * Tries again while `again` says so. The pauses grow and are drawn by lot, or all who were turned away together would come back
 * together.
 */
export async function knocking<T>(work: () => Promise<T>, again: (result: T) => boolean): Promise<T> {
  for (const longest of pausesMs) {
    const result = await work();
    if (!again(result)) return result;
    await pause(longest * (0.5 + Math.random() / 2));
  }
  return work();
}
