/** From saved disks to a guest that answers. */
import { constants } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { freePort } from "./free-port.ts";
import { type BaseVm, dataGiB, baseVmMachine, sshTarget } from "./vm/base-vm.ts";
import { type VmRecord, guestFolder, writeRecord } from "./guest-record.ts";
import { killMachine, runsIn, startMachine } from "./vm/machine.ts";
import { sshExec, waitForSsh } from "./ssh.ts";

/** From a saved state two seconds, from power-on under emulation on a busy machine far longer. */
const answerTimeoutMs = 10 * 60 * 1000;
/** Tries with another port, when somebody took the free one in between. */
const portTries = 5;

/** Lays a pristine guest's disks out. @returns the record of one that is about to start. */
export async function pristine(base: BaseVm, name: string): Promise<VmRecord> {
  const folder = guestFolder(name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const { file } of base.disks) {
    // A reflink where the file system has them; states are inside the qcow2, so an overlay would not carry them.
    await copyFile(join(base.folder, file), join(folder, file), constants.COPYFILE_FICLONE);
  }
  const record = { kind: "vm", name, pid: 0, port: await freePort(), golden: base.key, dataGiB } as const;
  return { ...record, extra: [], states: [], mounts: [] };
}

/** How a virtual machine is started from power-on. */
export interface PowerOn {
  /** More arguments of QEMU. */
  readonly qemu?: readonly string[];
  /** Its clock is so many seconds ahead. */
  readonly aheadSec?: number;
}

/**
 * Starts QEMU, waits for sshd, sets the clock.
 *
 * @returns the record with its process id and port, written down.
 * @throws {E_LAB_GUEST} when the guest does not answer; QEMU is ended.
 */
export async function powerOn(
  base: BaseVm,
  record: VmRecord,
  snapshot: string,
  detached: boolean,
  { qemu = [], aheadSec = 0 }: PowerOn = {},
): Promise<VmRecord> {
  const folder = guestFolder(record.name);
  const moment = new Date(Date.now() + aheadSec * 1000).toISOString().slice(0, 19);
  const more = aheadSec === 0 ? qemu : [...qemu, "-rtc", `base=${moment}`];
  const running = await startOnPort(base, record, snapshot, detached, more);
  writeRecord(running);
  const { pid, port } = running;
  try {
    if (!(await waitForSsh(port, answerTimeoutMs, () => runsIn(folder, pid)))) {
      throw guestProblem(record.name, "no sshd", "a guest that answers", `read console.log in ${folder}`);
    }
    // A restored guest believes that no time has passed.
    const clock = `sudo -n date -s @${(Date.now() / 1000 + aheadSec).toFixed(3)}`;
    const { exitCode, stderr } = await sshExec(sshTarget(base.identity, port), clock);
    if (exitCode !== 0) throw guestProblem(record.name, stderr.trim(), "a login with sudo", "start over");
    return running;
  } catch (error) {
    await killMachine(folder, pid);
    throw error;
  }
}

/** The port of its last run if it can have it: a stack may have noted it. */
async function startOnPort(
  base: BaseVm,
  record: VmRecord,
  snapshot: string,
  detached: boolean,
  more: readonly string[],
): Promise<VmRecord> {
  const start = async (port: number): Promise<VmRecord> => {
    const machine = { ...baseVmMachine(base, port, record.extra), more };
    const from = snapshot === "off" ? machine : { ...machine, state: snapshot };
    return { ...record, port, pid: await startMachine(from, guestFolder(record.name), detached) };
  };
  let port = record.port;
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(port);
    } catch (error) {
      const taken = error instanceof Error && error.message.includes("host forwarding rule");
      if (!taken || tries === portTries) throw error;
      port = await freePort();
    }
  }
}

export function guestProblem(name: string, found: string, expected: string, fix: string): SealiftError {
  return new SealiftError([
    { where: "lab", code: "E_LAB_GUEST", subject: `guest ${name}`, found, expected, fix },
  ]);
}
