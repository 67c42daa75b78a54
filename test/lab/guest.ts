import { rmSync } from "node:fs";
import { onExit } from "../support/on-exit.ts";
import type { Report } from "../support/stages.ts";
import { addDisks, growDataDisk } from "./guest-disks.ts";
import { type GuestRecord, guestFolder, isRunning, readRecord, writeRecord } from "./guest-record.ts";
import { type Golden, dataGiB, dataSerial, ensureGolden, login, sshTarget } from "./golden.ts";
import { guestProblem, knownState, powerOn, prepare } from "./guest-start.ts";
import { type Identity, ensureIdentity } from "./identity.ts";
import { killMachine, quitMachine, withMonitor } from "./machine.ts";
import { type ExecResult, type SshTarget, sshExec } from "./ssh.ts";

export interface GuestOptions {
  /** Names its folder in the cache; one running guest a name. Lower-case letters, digits, dashes. */
  readonly name: string;
  /**
   * `ready` (default): a pristine copy, what the name had before is gone. `off`: its disks as they are, from power-on.
   * Anything else: a state that `save` has made.
   */
  readonly snapshot?: string;
  /** Size of the blank data disk, at least and by default 8 GiB. Only for a pristine guest. */
  readonly dataDisk?: { readonly sizeGiB: number };
  /** More blank disks, at most 4, found as /dev/disk/by-id/virtio-<serial>. Only for a pristine guest. */
  readonly extraDisks?: readonly { readonly serial: string; readonly sizeGiB: number }[];
  /** true: it goes on when this process ends. Default false: it ends with this process, however that ends. */
  readonly detached?: boolean;
  /** Hears what is going on while the image is built and booted, on first use. */
  readonly report?: Report;
}

export interface ExecOptions {
  /** Default `ops`. */
  readonly login?: string;
  /** Default the lab's own key. */
  readonly identityFile?: string;
  /** What the command reads. */
  readonly input?: string | Buffer;
}

/** A running virtual machine with its own kernel and no route out. */
export interface Guest {
  readonly name: string;
  readonly pid: number;
  /** Where its sshd is reached: always loopback. */
  readonly address: "127.0.0.1";
  readonly port: number;
  /** A login with sudo without a password. */
  readonly login: string;
  readonly identityFile: string;
  /** "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  /** How OpenSSH's client is called for this guest. */
  readonly ssh: SshTarget;
  /** The blank disk: /dev/disk/by-id/virtio-lab-data. */
  readonly diskId: string;
  readonly diskGiB: number;
  /** Runs a command line over ssh; an exit code is a result, not an error. */
  readonly exec: (command: string, options?: ExecOptions) => Promise<ExecResult>;
  /** Saves memory and disks under a name; the guest goes on. @throws {Error} in QEMU's words. */
  readonly save: (state: string) => Promise<void>;
  /** Ends it; its disks go unless a state has been saved in them. */
  readonly stop: () => Promise<void>;
  /** Pulls the power cord; its disks stay for `snapshot: "off"`. */
  readonly kill: () => Promise<void>;
}

/**
 * Starts a guest and returns when commands can be run on it; the first one ever builds and boots the image.
 *
 * @throws {E_LAB_GUEST} when the name is in use or not a name, the state is not there, or sshd does not answer.
 * @throws {E_LAB_IMAGE} when there is no image.
 */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  const report = options.report ?? ((): void => undefined);
  const { name, snapshot = "ready", detached = false } = options;
  const before = readRecord(name);
  if (before !== undefined && isRunning(before)) {
    throw guestProblem(name, "it runs already", "a name that is free", "stop it, or take another name");
  }
  const golden = await ensureGolden(report);
  report(snapshot === "ready" ? "starting a pristine guest" : `starting from ${snapshot}`);
  const record = await prepare(golden, name, knownState(before, golden, name, snapshot), snapshot);
  const forget = detached
    ? undefined
    : onExit(() => {
        abandon(name);
      });
  const running = await powerOn(golden, record, snapshot, detached).catch((error: unknown) => {
    forget?.();
    throw error;
  });
  const fresh = snapshot === "ready" ? await addBlankDisks(running, golden, options) : running;
  writeRecord(fresh);
  return handle(fresh, golden.identity, forget);
}

/** A guest that another process has started; undefined when none of that name runs. */
export async function findGuest(name: string): Promise<Guest | undefined> {
  const record = readRecord(name);
  if (record === undefined || !isRunning(record)) return undefined;
  return handle(record, await ensureIdentity());
}

/** Ends a guest, if it runs, and removes all that it has left, saved states too. */
export async function removeGuest(name: string): Promise<void> {
  const record = readRecord(name);
  if (record !== undefined) await killMachine(guestFolder(name), record.pid);
  rmSync(guestFolder(name), { recursive: true, force: true });
}

async function addBlankDisks(
  record: GuestRecord,
  golden: Golden,
  options: GuestOptions,
): Promise<GuestRecord> {
  const sizeGiB = options.dataDisk?.sizeGiB ?? dataGiB;
  if (sizeGiB > dataGiB) await growDataDisk(guestFolder(record.name), sizeGiB);
  const extra = await addDisks(guestFolder(record.name), golden.kind, options.extraDisks ?? []);
  return { ...record, dataGiB: sizeGiB, extra };
}

function handle(record: GuestRecord, identity: Identity, forget?: () => void): Guest {
  const { name, pid, port } = record;
  const folder = guestFolder(name);
  const ssh = sshTarget(identity, port);
  return {
    name,
    pid,
    port,
    login,
    ssh,
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
