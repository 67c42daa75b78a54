/** Limits simultaneous logins to one sshd, and retries refused ones. */
import { setTimeout as pause } from "node:timers/promises";

/** Below 10, above which sshd refuses connections at random (sshd_config(5), MaxStartups 10:30:100). */
const loginConcurrency = 8;

/** Nine tries with at most 38 s of pauses: on a busy machine, a login alone takes seconds. */
const pausesMs = [300, 600, 1200, 2400, 4800, 9600, 9600, 9600] as const;

interface Door {
  free: number;
  readonly waiting: (() => void)[];
}
const servers = new Map<string, Door>();

/**
 * Runs `work` when a login slot is free. It releases the slot by `entered`, at the latest at its end.
 *
 * @param name of the sshd: all hosts behind one jump host have the same.
 */
export async function withLoginSlot<T>(name: string, work: (entered: () => void) => Promise<T>): Promise<T> {
  const server = servers.get(name) ?? { free: loginConcurrency, waiting: [] };
  servers.set(name, server);
  if (server.free > 0) server.free -= 1;
  else await new Promise<void>((resolve) => server.waiting.push(resolve));
  let inside = false;
  const entered = (): void => {
    if (inside) return;
    inside = true;
    const next = server.waiting.shift();
    if (next === undefined) server.free += 1;
    else next();
  };
  try {
    return await work(entered);
  } finally {
    entered();
  }
}

/**
 * Retries while `again` returns true. The pauses grow and are random, so that clients that were refused together do not return
 * together.
 */
export async function retryWhileLimited<T>(
  work: () => Promise<T>,
  again: (result: T) => boolean,
): Promise<T> {
  for (const longest of pausesMs) {
    const result = await work();
    if (!again(result)) return result;
    await pause(longest * (0.5 + Math.random() / 2));
  }
  return work();
}
