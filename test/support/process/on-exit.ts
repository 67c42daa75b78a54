/**
 * Runs `undo` once when this process ends: normally, by process.exit, or by SIGINT, SIGTERM or SIGHUP. It has to be
 * synchronous. After a signal the process exits with 128 + the signal's number: whoever has something to stop, stops it
 * here and not in a signal listener of its own.
 *
 * @returns forgets `undo` again, without running it.
 */
export function onExit(undo: () => void): () => void {
  listen();
  undos.add(undo);
  return () => {
    undos.delete(undo);
  };
}

const undos = new Set<() => void>();
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
let listening = false;

/** Always exits by itself: libraries that listen too (signal-exit) leave the ending to any other listener. */
function listen(): void {
  if (listening) return;
  listening = true;
  process.on("exit", undoAll);
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const)
    process.on(signal, () => process.exit(128 + signals[signal]));
}

/** Newest first; one that throws does not keep the others from running. */
function undoAll(): void {
  for (const undo of [...undos].reverse()) {
    undos.delete(undo);
    try {
      undo();
    } catch (error) {
      console.error(`cleaning up: ${String(error)}`);
    }
  }
}
