/** One QEMU process in its folder. It never outlives this process, unless it is started detached on purpose. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Monitor, connectMonitor } from "./monitor.ts";
import { type Machine, monitorSocket, qemuArguments } from "./qemu.ts";

const qemuLog = "qemu.log";
const pollMs = 20;

/**
 * Starts QEMU and waits until its monitor answers, which is after a saved state has been restored.
 *
 * @param detached - true: it goes on when this process ends.
 * @returns the process id.
 * @throws {Error} with the end of QEMU's log when it ends by itself.
 */
export async function startMachine(machine: Machine, folder: string, detached = false): Promise<number> {
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, monitorSocket), { force: true });
  const log = openSync(join(folder, qemuLog), "w");
  const qemu = [machine.kind.binary, ...qemuArguments(machine)];
  // The kernel itself ends QEMU when this process is gone, also after kill -9: prctl(2) PR_SET_PDEATHSIG.
  const [file = "", ...args] = detached ? qemu : ["setpriv", "--pdeathsig", "KILL", ...qemu];
  const child = spawn(file, args, { cwd: folder, detached, stdio: ["ignore", log, log] });
  let end: string | undefined;
  child.on("error", (error) => (end = error.message));
  child.on("exit", (code, signal) => (end = `exit ${code ?? signal ?? "unknown"}`));
  child.unref();
  for (;;) {
    if (end !== undefined) throw new Error(`QEMU: ${end}: ${tail(join(folder, qemuLog))}`);
    const monitor = await connectMonitor(join(folder, monitorSocket)).catch(() => undefined);
    if (monitor !== undefined && child.pid !== undefined) {
      monitor.close();
      return child.pid;
    }
    await sleep(pollMs);
  }
}

/** Talks to the QEMU that runs in this folder. @throws {Error} when none does, or when it refuses. */
export async function withMonitor(folder: string, talk: (monitor: Monitor) => Promise<void>): Promise<void> {
  const monitor = await connectMonitor(join(folder, monitorSocket));
  try {
    await talk(monitor);
  } finally {
    monitor.close();
  }
}

/** Ends QEMU in good order: what the guest has written is in its disks. */
export async function quitMachine(folder: string, pid: number): Promise<void> {
  await withMonitor(folder, async (monitor) => {
    // QEMU may be gone before its answer is.
    await monitor.execute("quit").catch(() => undefined);
  }).catch(() => undefined);
  await untilGone(folder, pid);
}

/** As if the power cord were pulled. */
export async function killMachine(folder: string, pid: number): Promise<void> {
  if (runsIn(folder, pid)) process.kill(pid, "SIGKILL");
  await untilGone(folder, pid);
}

/** Whether this process id is a QEMU that runs in this folder: a number may have gone to another program meanwhile. */
export function runsIn(folder: string, pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return false;
  }
}

async function untilGone(folder: string, pid: number): Promise<void> {
  while (runsIn(folder, pid)) await sleep(pollMs);
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").slice(-5).join(" | ");
}
