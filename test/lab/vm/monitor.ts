import { connect } from "node:net";
import { createInterface } from "node:readline";
import { relative } from "node:path";

/** QEMU's control socket: the QEMU Machine Protocol (QEMU 10.0, docs/interop/qmp-spec). */
export interface Monitor {
  /** One QMP command. @throws {Error} with QEMU's own words when it refuses, or when QEMU ends. */
  readonly execute: (command: string, args?: Record<string, unknown>) => Promise<unknown>;
  /** A command of the human monitor, where QMP has none. @throws {Error} when it answers anything. */
  readonly human: (line: string) => Promise<void>;
  readonly close: () => void;
}

interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Connects to QEMU's socket, which has to be there. @throws {Error} when nobody listens. */
export async function connectMonitor(socketFile: string): Promise<Monitor> {
  const socket = connect(shortest(socketFile));
  const pending = new Map<number, (answer: Answer) => void>();
  let failure: string | undefined;
  let last = 0;
  const fail = (reason: string): void => {
    failure ??= reason;
    for (const answer of pending.values()) answer({ error: { desc: failure } });
    pending.clear();
  };
  socket.on("error", (error) => {
    fail(error.message);
  });
  socket.on("close", () => {
    fail("QEMU closed its monitor");
  });
  const lines = createInterface({ input: socket });
  // The same error once more; unheard it would end the process.
  lines.on("error", () => undefined);
  lines.on("line", (line) => {
    // Lines without an id are the greeting and events.
    const answer = JSON.parse(line) as Answer;
    if (answer.id === undefined) return;
    pending.get(answer.id)?.(answer);
    pending.delete(answer.id);
  });
  const execute = async (command: string, args: Record<string, unknown> = {}): Promise<unknown> => {
    const id = ++last;
    const answer = await new Promise<Answer>((resolve) => {
      if (failure !== undefined) {
        resolve({ error: { desc: failure } });
        return;
      }
      pending.set(id, resolve);
      socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
    if (answer.error !== undefined) throw new Error(`QEMU ${command}: ${answer.error.desc}`);
    return answer.return;
  };
  const human = async (line: string): Promise<void> => {
    const answer = await execute("human-monitor-command", { "command-line": line });
    if (typeof answer === "string" && answer.trim() !== "") throw new Error(`QEMU ${line}: ${answer.trim()}`);
  };
  await execute("qmp_capabilities");
  return { execute, human, close: () => socket.destroy() };
}

/** The kernel takes at most 107 bytes for the path of a unix socket. */
function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}
