/** A guest that is a system container (systemd-nspawn): the lab's image below, its own folder on top, at the machine's own speed. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onExit } from "../../support/process/on-exit.ts";
import { runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { asRoot } from "../as-root.ts";
import { checkout } from "../cache.ts";
import { freePort } from "../free-port.ts";
import { login, sshTarget } from "../vm/base-vm.ts";
import type { Guest, GuestOptions } from "../guest-handle.ts";
import {
  containerRuns,
  type ContainerRecord,
  guestFolder,
  readRecord,
  writeRecord,
} from "../guest-record.ts";
import { guestProblem } from "../guest-start.ts";
import { ensureIdentity, type Identity } from "../identity.ts";
import { builtImage, type Image } from "../vm/image.ts";
import { sshExec, waitForSsh } from "../ssh.ts";
import { checkMachine } from "./check-machine.ts";
import { pristine, restored, saveLayer } from "./container-disks.ts";
import { command, root } from "./root-command.ts";

/** It boots in about two seconds; this is for a machine that is busy with others. */
const answerTimeoutMs = 3 * 60 * 1000;
const powerOffTimeoutMs = 2 * 60 * 1000;
const pollMs = 20;
/** Tries with another port, when somebody took the free one in between. */
const portTries = 5;
/** container.sh, when the port is taken. */
const portTaken = 75;

/** @throws {E_LAB_GUEST} when this machine cannot run one, or it does not answer. */
export async function startContainer(options: GuestOptions, report: Report): Promise<Guest> {
  const { name, machine, detached = false } = options;
  await checkMachine();
  const image = await builtImage(report);
  report("starting a pristine container");
  return boot(await pristine(name, machine.mounts, image.id), image, detached);
}

/** @throws {E_LAB_GUEST} when the state is of another image, or it does not answer. */
export async function restartContainer(
  before: ContainerRecord,
  state: string,
  detached: boolean,
  report: Report,
): Promise<Guest> {
  const image = await builtImage(report);
  if (before.golden !== image.id) {
    const found = `state ${state} of another image`;
    throw guestProblem(before.name, found, "one of the present image", "start over: npm run lab -- clean");
  }
  report(`starting from ${state}`);
  return boot(state === "off" ? before : await restored(before, state), image, detached);
}

async function boot(record: ContainerRecord, image: Image, detached: boolean): Promise<Guest> {
  const identity = await ensureIdentity();
  const forget = detached
    ? undefined
    : onExit(() => {
        abandon(record.name);
      });
  try {
    return containerHandle(await powerOn(record, image.disk, identity, detached), identity, forget);
  } catch (error) {
    forget?.();
    throw error;
  }
}

/** Ends it, if it runs; all that it has left goes, saved states too. */
export async function removeContainer(record: ContainerRecord): Promise<void> {
  await endContainer(record);
  await root("rm", "-rf", "--one-file-system", guestFolder(record.name));
}

export function containerHandle(started: ContainerRecord, identity: Identity, forget?: () => void): Guest {
  const { name, mounts } = started;
  const record = (): ContainerRecord => {
    const now = readRecord(name);
    return now?.kind === "container" ? now : started;
  };
  return {
    name,
    kind: "container",
    login,
    mounts,
    address: "127.0.0.1",
    identityFile: identity.identityFile,
    hostKey: identity.hostKey,
    diskId: "",
    diskGiB: 0,
    // Both change when it was saved: it is started again then, and another port may be free.
    get pid() {
      return record().pid;
    },
    get port() {
      return record().port;
    },
    get ssh() {
      return sshTarget(identity, record().port);
    },
    exec: (command, { input, ...as } = {}) =>
      sshExec({ ...sshTarget(identity, record().port), ...as }, command, input),
    save: async (state) => {
      const detached = forget === undefined;
      await powerOff(record(), identity);
      const saved = await saveLayer(record(), state);
      const { disk } = await builtImage(() => undefined);
      await powerOn(saved, disk, identity, detached);
    },
    stop: async () => {
      await endContainer(record());
      if (record().states.length === 0) await removeContainer(record());
      forget?.();
    },
    kill: async () => {
      await cutPower(record());
      await endContainer(record());
      forget?.();
    },
  };
}

async function powerOn(
  record: ContainerRecord,
  disk: string,
  identity: Identity,
  detached: boolean,
): Promise<ContainerRecord> {
  let running = await startOnPort(record, disk, detached);
  for (let tries = 1; running === portTaken; tries += 1) {
    if (tries === portTries) throw guestProblem(record.name, "no free port", "one on 127.0.0.1", "try again");
    running = await startOnPort({ ...record, port: await freePort() }, disk, detached);
  }
  const { port, pid } = running;
  const folder = guestFolder(record.name);
  const log = `read ${join(folder, "console.log")}`;
  try {
    if (!(await waitForSsh(port, answerTimeoutMs, () => containerRuns(folder, pid))))
      throw guestProblem(record.name, `no sshd; ${lastWords(folder)}`, "a container that answers", log);
    // "degraded" is an answer as well: the container is what it is.
    const up = "systemctl is-system-running --wait >/dev/null || true; sudo -n true";
    const { exitCode, stderr } = await sshExec(sshTarget(identity, port), up);
    if (exitCode !== 0) throw guestProblem(record.name, stderr.trim(), "a login with sudo", log);
    return running;
  } catch (error) {
    await endContainer(running);
    throw error;
  }
}

/** Starts container.sh and waits until it has its port. @returns the record, written down; 75 when somebody else has the port. */
async function startOnPort(
  record: ContainerRecord,
  disk: string,
  detached: boolean,
): Promise<ContainerRecord | typeof portTaken> {
  const folder = guestFolder(record.name);
  writeFileSync(join(folder, "layers"), record.layers.map((layer) => `${layer}\n`).join(""));
  await root("rm", "-f", join(folder, "forwarder.log"), join(folder, "machine.pid"));
  const script = join(checkout, "test", "lab", "container", "container.sh");
  const life = detached ? "detached" : "attached";
  const inputs = [life, folder, String(record.port), disk, record.name, ...record.mounts];
  const [file, ...args] = asRoot(["sh", script, ...inputs]);
  const log = openSync(join(folder, "container.log"), "w");
  // The script ends when the other end of its standard input closes, which it does with this process.
  const child = spawn(file, args, { detached, stdio: [detached ? "ignore" : "pipe", log, log] });
  let ended: number | undefined;
  const end = once(child, "exit").then(([code]: unknown[]) => {
    ended = typeof code === "number" ? code : 1;
  });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  while (!logHas(join(folder, "forwarder.log"), "Listening on")) {
    if (ended === portTaken) return portTaken;
    if (ended !== undefined) {
      await end;
      throw guestProblem(record.name, lastWords(folder), "a container that starts", "fix what it reports");
    }
    await sleep(pollMs);
  }
  const pid = Number(readFileSync(join(folder, "machine.pid"), "utf8"));
  const running = { ...record, pid };
  writeRecord(running);
  return running;
}

async function powerOff(record: ContainerRecord, identity: Identity): Promise<void> {
  const folder = guestFolder(record.name);
  // The connection may go before its answer comes.
  await sshExec(sshTarget(identity, record.port), "sudo -n systemctl poweroff");
  const end = Date.now() + powerOffTimeoutMs;
  while (containerRuns(folder, record.pid)) {
    if (Date.now() > end) throw new Error(`${record.name} does not power off; see ${folder}/console.log`);
    await sleep(pollMs);
  }
}

/** Nothing that is not on its disks by now gets there. */
async function cutPower({ name }: ContainerRecord): Promise<void> {
  const script = join(checkout, "test", "lab", "container", "power-cut.sh");
  await root("sh", script, guestFolder(name));
}

async function endContainer({ name, pid }: ContainerRecord): Promise<void> {
  const folder = guestFolder(name);
  if (containerRuns(folder, pid)) await runProcess(...command("kill", "-TERM", String(pid)));
  while (containerRuns(folder, pid)) await sleep(pollMs);
}

/** When this process ends first: what nobody can use again goes. */
function abandon(name: string): void {
  const record = readRecord(name);
  if (record?.kind !== "container") return;
  const folder = guestFolder(name);
  const rest = record.states.length > 0 ? ":" : 'rm -rf --one-file-system "$2"';
  // proc(5), stat: this process, which waits for the shell alone, is its parent and has not asked for its exit code yet (state Z).
  const gone = 'while read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]; do sleep 0.02; done';
  const script = `kill -TERM "$1" 2>/dev/null; ${gone}; ${rest}`;
  const pid = containerRuns(folder, record.pid) ? String(record.pid) : "none";
  const [file, ...args] = asRoot(["sh", "-c", script, "sh", pid, folder]);
  spawnSync(file, args, { stdio: "ignore" });
}

function logHas(file: string, words: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8").includes(words);
}

function lastWords(folder: string): string {
  const files = ["container.log", "forwarder.log", "console.log"].map((name) => join(folder, name));
  const lines = files.flatMap((file) =>
    existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [],
  );
  return lines.filter(Boolean).slice(-5).join(" | ");
}
