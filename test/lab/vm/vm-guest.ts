/** A guest that is a virtual machine: QEMU in its folder, started from the saved state of the base VM. */
import { rmSync } from "node:fs";
import { constants, copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { onExit } from "../../support/process/on-exit.ts";
import type { Report } from "../../support/process/stages.ts";
import { freePort } from "../free-port.ts";
import { addDisks, growDataDisk } from "./guest-disks.ts";
import {
  type GuestRecord,
  guestFolder,
  isRunning,
  readRecord,
  type VmRecord,
  writeRecord,
} from "../guest-record.ts";
import { type BaseVm, dataGiB, dataSerial, ensureBaseVm, login, bootedState, sshTarget } from "./base-vm.ts";
import { guestProblem, powerOn, type PowerOn, pristine } from "../guest-start.ts";
import type { Guest, GuestOptions } from "../guest-handle.ts";
import type { Identity } from "../identity.ts";
import { killMachine, quitMachine, withMonitor } from "./machine.ts";
import { sshExec } from "../ssh.ts";

/** @throws {E_LAB_GUEST} {E_LAB_IMAGE} as startGuest. */
export async function startVm(options: GuestOptions, report: Report): Promise<Guest> {
  const { name, detached = false } = options;
  const base = await ensureBaseVm(report);
  report("starting a pristine virtual machine");
  const [running, forget] = await boot(base, await pristine(base, name), bootedState, detached);
  const fresh = await addBlankDisks(running, base, options);
  writeRecord(fresh);
  const guest = vmHandle(fresh, base.identity, forget);
  await mountFileSystems(guest);
  return guest;
}

/** @throws {E_LAB_GUEST} as restartGuest. */
export async function restartVm(
  before: VmRecord,
  state: string,
  detached: boolean,
  report: Report,
  how: PowerOn = {},
): Promise<Guest> {
  const base = await ensureBaseVm(report);
  if (before.golden !== base.key) {
    const found = `state ${state} of another image, QEMU or accelerator`;
    throw guestProblem(before.name, found, "one of the present machine", "start over: npm run lab -- clean");
  }
  report(`starting from ${state}`);
  const [running, forget] = await boot(base, before, state, detached, how);
  return vmHandle(running, base.identity, forget);
}

/** @returns its record, and what forgets that it ends with this process. */
async function boot(
  base: BaseVm,
  record: VmRecord,
  state: string,
  detached: boolean,
  how: PowerOn = {},
): Promise<[VmRecord, (() => void) | undefined]> {
  const forget = detached
    ? undefined
    : onExit(() => {
        abandon(record.name);
      });
  const running = await powerOn(base, record, state, detached, how).catch((error: unknown) => {
    forget?.();
    throw error;
  });
  return [running, forget];
}

/** What is left of it goes, saved states too. */
export async function removeVm(folder: string, record: GuestRecord | undefined): Promise<void> {
  if (record !== undefined) await killMachine(folder, record.pid);
  rmSync(folder, { recursive: true, force: true });
}

/** Its disks, with the states in them, as another guest. */
export async function copyVm(from: VmRecord, name: string): Promise<void> {
  await mkdir(guestFolder(name), { recursive: true });
  for (const file of await readdir(guestFolder(from.name))) {
    if (!/\.(qcow2|img)$/.test(file)) continue;
    const target = join(guestFolder(name), file);
    await copyFile(join(guestFolder(from.name), file), target, constants.COPYFILE_FICLONE);
  }
  writeRecord({ ...from, name, pid: 0, port: await freePort() });
}

async function addBlankDisks(record: VmRecord, base: BaseVm, options: GuestOptions): Promise<VmRecord> {
  const folder = guestFolder(record.name);
  const sizeGiB = options.dataDisk?.sizeGiB ?? dataGiB;
  if (sizeGiB > dataGiB) await growDataDisk(folder, sizeGiB);
  const { mounts } = options.machine;
  const more = mounts.slice(1).map((_, index) => ({ serial: mountSerial(index + 1), sizeGiB: dataGiB }));
  const extra = await addDisks(folder, base.kind, [...more, ...(options.extraDisks ?? [])]);
  return { ...record, dataGiB: sizeGiB, extra, mounts };
}

/** Where a virtual machine stands in for a container: its file systems, of /etc/fstab. */
async function mountFileSystems(guest: Guest): Promise<void> {
  for (const [index, point] of guest.mounts.entries()) {
    const disk = `/dev/disk/by-id/virtio-${index === 0 ? dataSerial : mountSerial(index)}`;
    const line = `${disk} ${point} xfs defaults 0 0`;
    const script = `set -e
      for try in $(seq 100); do [ -e ${disk} ] && break; sleep 0.2; done
      mkfs.xfs -q ${disk}; mkdir -p ${point}; echo "${line}" >>/etc/fstab; systemctl daemon-reload; mount ${point}`;
    const { exitCode, stderr } = await guest.exec("sudo -n sh -s", { input: script });
    if (exitCode !== 0)
      throw guestProblem(guest.name, stderr.trim(), `a file system at ${point}`, "start over");
  }
}

function mountSerial(index: number): string {
  return `lab-mount${index}`;
}

export function vmHandle(record: VmRecord, identity: Identity, forget?: () => void): Guest {
  const { name, pid, port, mounts } = record;
  const folder = guestFolder(name);
  const ssh = sshTarget(identity, port);
  return {
    name,
    kind: "vm",
    pid,
    port,
    login,
    ssh,
    mounts,
    address: "127.0.0.1",
    identityFile: identity.identityFile,
    hostKey: identity.hostKey,
    diskId: `/dev/disk/by-id/virtio-${dataSerial}`,
    diskGiB: record.dataGiB,
    exec: (command, { input, ...as } = {}) => sshExec({ ...ssh, ...as }, command, input),
    save: async (state) => {
      await withMonitor(folder, (monitor) => monitor.human(`savevm ${state}`));
      const now = readRecord(name) ?? record;
      writeRecord({ ...now, states: [...new Set([...now.states, state])] });
    },
    stop: async () => {
      await quitMachine(folder, pid);
      if (readRecord(name)?.states.length === 0) rmSync(folder, { recursive: true, force: true });
      forget?.();
    },
    kill: async () => {
      await killMachine(folder, pid);
      forget?.();
    },
  };
}

/** When this process ends first: the kernel ends QEMU, and the disks that nobody can use again go. */
function abandon(name: string): void {
  const record = readRecord(name);
  if (record === undefined || record.states.length > 0) return;
  if (isRunning(record)) process.kill(record.pid, "SIGKILL");
  rmSync(guestFolder(name), { recursive: true, force: true });
}
