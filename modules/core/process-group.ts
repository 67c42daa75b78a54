/** Child processes that must not outlive this process: each leads a process group, which is ended as a whole. */

/**
 * Ends the group when this process ends, normally or by a signal that can be caught. SIGKILL cannot be handled.
 *
 * @returns ends the group now, and forgets it.
 */
export function endsWithUs(pid: number): { readonly end: () => void; readonly forget: () => void } {
  listen();
  groups.add(pid);
  const forget = (): void => {
    groups.delete(pid);
  };
  const end = (): void => {
    endGroup(pid);
    forget();
  };
  return { end, forget };
}

const groups = new Set<number>();
const signals = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/**
 * Must be called before such a program is started: a signal may arrive before its process id is known here. The listener stays:
 * when the last listener is removed, Node drops a signal that has arrived and is not yet delivered, even when another listener is
 * added at once.
 */
export function listen(): void {
  if (listening) return;
  listening = true;
  process.on("exit", endAll);
  for (const signal of signals) process.on(signal, onSignal);
}

let listening = false;

function unlisten(): void {
  listening = false;
  process.off("exit", endAll);
  for (const signal of signals) process.off(signal, onSignal);
}

/** Other listeners decide whether this process continues; without any it ends, as it would have by default. */
function onSignal(signal: NodeJS.Signals): void {
  endAll();
  unlisten();
  groups.clear();
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function endAll(): void {
  for (const pid of groups) endGroup(pid);
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is over already.
  }
}
