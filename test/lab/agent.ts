import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx/core";
import { onExit } from "../support/process/on-exit.ts";
import { cachePath } from "./cache.ts";

export interface Agent {
  /** For SSH_AUTH_SOCK. */
  readonly socket: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Name of the socket in the agent's folder. */
export const agentSocket = "agent.sock";

/**
 * Starts an ssh-agent(1) that holds this one key, so that no key enters Pulumi's state. It ends with this process, however
 * that ends.
 *
 * @param identityFile private key without a passphrase.
 * @throws {Error} when ssh-agent or ssh-add fails; with a very long cache path, because of the limit for sockets.
 */
export async function startAgent(identityFile: string): Promise<Agent> {
  const folder = await agentFolder();
  // ssh-agent is setgid, which would clear the parent-death signal; --no-new-privs keeps both (prctl(2), setpriv(1)).
  const ending = ["--no-new-privs", "--pdeathsig", "KILL"];
  const child = spawn("setpriv", [...ending, "ssh-agent", "-D", "-a", agentSocket], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const forget = onExit(() => child.kill("SIGKILL"));
  const stop = async (): Promise<void> => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    // Where nothing else keeps this process, it would end before the agent has.
    child.ref();
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
    forget();
  };
  try {
    const socket = await hold(child, folder, identityFile);
    // A test that fails before it stops the agent ends all the same.
    child.stdout.destroy();
    child.unref();
    return { socket, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The same for a guest that runs on: the agent lives in the guest's folder until it is ended by its process id.
 *
 * @throws {Error} as startAgent.
 */
export async function startDetachedAgent(identityFile: string, folder: string): Promise<Omit<Agent, "stop">> {
  await rm(join(folder, agentSocket), { force: true });
  const child = spawn("ssh-agent", ["-D", "-a", agentSocket], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const socket = await hold(child, folder, identityFile);
  child.stdout.destroy();
  child.unref();
  return { socket, pid: child.pid ?? 0 };
}

/** A folder named after this process; those of processes that were killed go. */
async function agentFolder(): Promise<string> {
  const all = cachePath("lab", "agents");
  await mkdir(all, { recursive: true });
  for (const name of await readdir(all)) {
    const alive = existsSync(`/proc/${name.split("-")[0] ?? ""}`);
    if (!alive) await rm(join(all, name), { recursive: true, force: true });
  }
  return await mkdtemp(join(all, `${process.pid}-`));
}

/** Waits for the agent's socket and hands it the key. */
async function hold(
  child: ChildProcess & { stdout: NodeJS.ReadableStream },
  folder: string,
  identityFile: string,
): Promise<string> {
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`ssh-agent: exit ${String(code)}`)),
  );
  // It names its socket on stdout once it listens.
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
  const socket = join(folder, agentSocket);
  await $({ env: { ...process.env, SSH_AUTH_SOCK: socket } })`ssh-add -q ${identityFile}`;
  return socket;
}
