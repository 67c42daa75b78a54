import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runStages } from "../support/process/stages.ts";
import { agentSocket, startDetachedAgent } from "./agent.ts";
import { type Guest, findGuest, restartGuest, startGuest } from "./guest.ts";
import { guestFolder, readRecord } from "./guest-record.ts";
import { killMachine, runsIn } from "./vm/machine.ts";
import { vm, type MachineNeed } from "./machine-choice.ts";
import { ensurePackages } from "./packages/packages.ts";

/** The guest that the demo provisions, and the state in which the demo saves it. */
export const labGuest = "demo";
const demoState = "demo";

/**
 * The guest, running on after this process, with an ssh agent that lives as long as it does.
 * @param machine the kind of a pristine one; what the demo has left keeps its own.
 */
export async function startLab(machine: MachineNeed): Promise<Guest> {
  const guest = await bootLab(true, machine);
  if (agentOf(labGuest) === undefined) {
    const folder = guestFolder(labGuest);
    const { pid } = await startDetachedAgent(guest.identityFile, folder);
    writeFileSync(agentFile(labGuest), `${pid}\n`);
  }
  return guest;
}

/**
 * The guest that runs already, or a new one: as the demo left it, otherwise pristine.
 *
 * @throws {E_PACKAGES} when QEMU and what builds the image are not there and may not be installed.
 */
export async function bootLab(detached: boolean, machine = vm("life")): Promise<Guest> {
  const running = await findGuest(labGuest);
  if (running !== undefined) return running;
  await ensurePackages("guest", "container", "image", "ssh", "cloud-init");
  const saved = readRecord(labGuest)?.states.includes(demoState) ?? false;
  let guest: Guest | undefined;
  await runStages([
    {
      title: saved ? "the test host runs in the state that the demo saved" : "a new test host runs",
      run: async (report) => {
        guest = saved
          ? await restartGuest(labGuest, demoState, { detached, report })
          : await startGuest({ name: labGuest, machine, detached, report });
      },
    },
  ]);
  if (guest === undefined) throw new Error("a stage ended without its guest");
  return guest;
}

/** Stops the guest and its agent. @returns whether a guest was running. */
export async function stopLab(): Promise<boolean> {
  await stopAgent(labGuest);
  const guest = await findGuest(labGuest);
  await guest?.stop();
  return guest !== undefined;
}

/** Path of the socket of a running guest's agent; undefined when there is none. */
export function agentOf(name: string): string | undefined {
  const pid = agentPid(name);
  const socket = join(guestFolder(name), agentSocket);
  return pid !== undefined && runsIn(guestFolder(name), pid) && existsSync(socket) ? socket : undefined;
}

/** Ends the agent that lives in this guest's folder, if there is one. */
export async function stopAgent(name: string): Promise<void> {
  const pid = agentPid(name);
  if (pid !== undefined) await killMachine(guestFolder(name), pid);
  rmSync(agentFile(name), { force: true });
  rmSync(join(guestFolder(name), agentSocket), { force: true });
}

function agentFile(name: string): string {
  return join(guestFolder(name), "agent.pid");
}

function agentPid(name: string): number | undefined {
  return existsSync(agentFile(name)) ? Number(readFileSync(agentFile(name), "utf8")) : undefined;
}
