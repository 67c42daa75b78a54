/** Programs that are not to outlive this one: each leads a process group, which is ended as a whole. */

/**
 * The group of this process is ended when we end, by ourselves or by a signal that can be caught. Nothing can be done when we are
 * killed outright.
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
 * To be called before such a program is started: a signal may come before its number is known here. It stays: Node forgets a signal that
 * has come and was not yet handed on when the last of its listeners goes, even when another takes its place at once.
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

/** Who else listens decides how this process goes on; without anybody else it ends, as it would have without us. */
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
