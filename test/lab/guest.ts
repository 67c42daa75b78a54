/** Starts, finds and removes the lab's machines. */
import {
  containerHandle,
  removeContainer,
  restartContainer,
  startContainer,
} from "./container/container-guest.ts";
import { copyContainerState } from "./container/container-disks.ts";
import type { Guest, GuestOptions } from "./guest-handle.ts";
import { guestFolder, type GuestRecord, isRunning, readRecord } from "./guest-record.ts";
import { guestProblem, type PowerOn } from "./guest-start.ts";
import { ensureIdentity } from "./identity.ts";
import { kindFor } from "./machine-choice.ts";
import { copyVm, removeVm, restartVm, startVm, vmHandle } from "./vm/vm-guest.ts";

export type { Guest, GuestOptions } from "./guest-handle.ts";

/**
 * Starts a pristine guest and returns when commands can be run on it; what the name had before is gone. The first one ever builds
 * the image.
 *
 * @throws {E_LAB_GUEST} when the name is in use or not a name, or sshd does not answer.
 * @throws {E_LAB_IMAGE} when there is no image.
 */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  const { name, machine, report = silent } = options;
  refuseRunning(name);
  const kind = await kindFor(machine, report);
  if (readRecord(name)?.kind === "container") await removeGuest(name);
  return kind === "vm" ? startVm(options, report) : startContainer(options, report);
}

/**
 * Starts a guest that was there before.
 *
 * @param state `off`: its disks as they are, from power-on. Anything else: a state that `save` has made.
 * @throws {E_LAB_GUEST} when the name is in use, the state is not there or of another machine, or sshd does not answer.
 */
export async function restartGuest(
  name: string,
  state: string,
  {
    detached = false,
    report = silent,
    powerOn = {},
  }: Pick<GuestOptions, "detached" | "report"> & { readonly powerOn?: PowerOn } = {},
): Promise<Guest> {
  refuseRunning(name);
  const before = readRecord(name);
  if (before === undefined || (state !== "off" && !before.states.includes(state)))
    throw guestProblem(name, `no state ${state}`, "a state that was saved", "start a pristine one");
  return before.kind === "vm"
    ? restartVm(before, state, detached, report, powerOn)
    : restartContainer(before, state, detached, report);
}

function silent(): void {
  // Nobody listens.
}

function refuseRunning(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw guestProblem(name, "this name", "lower-case letters, digits and dashes", "take another name");
  }
  const before = readRecord(name);
  if (before !== undefined && isRunning(before)) {
    throw guestProblem(name, "it runs already", "a name that is free", "stop it, or take another name");
  }
}

/** A guest that another process has started; undefined when none of that name runs. */
export async function findGuest(name: string): Promise<Guest | undefined> {
  const record = readRecord(name);
  if (record === undefined || !isRunning(record)) return undefined;
  const identity = await ensureIdentity();
  return record.kind === "vm" ? vmHandle(record, identity) : containerHandle(record, identity);
}

/** Ends a guest, if it runs, and removes all that it has left, saved states too. */
export async function removeGuest(name: string): Promise<void> {
  const record = readRecord(name);
  if (record?.kind === "container") await removeContainer(record);
  else await removeVm(guestFolder(name), record);
}

/**
 * The saved state of a guest as the start of another of this name, which must not be there: to be restarted from it. The first has to
 * stay as long as the other.
 */
export async function copyState(from: GuestRecord, state: string, name: string): Promise<void> {
  if (from.kind === "vm") await copyVm(from, name);
  else await copyContainerState(from, state, name);
}
