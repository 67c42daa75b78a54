import { spawn } from "node:child_process";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { hostKeyAlias } from "./identity.ts";

/** Whom to reach, and as whom. */
export interface SshTarget {
  readonly port: number;
  readonly login: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** Socket of a connection that is open already: a session on it costs no login. Without it, or when nobody serves it, each command logs in. */
  readonly controlPath?: string;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 255 when ssh itself failed. */
  readonly exitCode: number;
}

/** ssh_config(5) of OpenSSH 9: the pinned key or nothing, nothing of the person's own settings. */
export function sshArguments(to: SshTarget): string[] {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: hostKeyAlias,
    UserKnownHostsFile: JSON.stringify(to.knownHostsFile),
    GlobalKnownHostsFile: "none",
    IdentityFile: JSON.stringify(to.identityFile),
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    ControlMaster: "no",
    ControlPath: to.controlPath ?? "none",
    ConnectTimeout: "30",
    LogLevel: "ERROR",
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  return ["-F", "none", "-p", String(to.port), ...flags, `${to.login}@127.0.0.1`];
}

/** Runs one command line on the guest, in the login's own shell. Never throws because the command failed. */
export async function sshExec(
  to: SshTarget,
  command: string,
  input: string | Buffer = "",
): Promise<ExecResult> {
  const child = spawn("ssh", [...sshArguments(to), "--", command], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve(code ?? 255);
    });
  });
  // A command that does not read its input closes the pipe: not an error of ours.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, exitCode };
}

/** One try: QEMU accepts the connection itself, so that only sshd's greeting says that the guest is up. */
const greetingTimeoutMs = 3000;
const retryMs = 50;

/**
 * Waits until sshd on this loopback port greets.
 *
 * @param alive asked before every try; false ends the waiting.
 * @returns whether it greeted within the time.
 */
export async function waitForSsh(port: number, timeoutMs: number, alive: () => boolean): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (alive() && Date.now() < end) {
    if (await greets(port)) return true;
    await sleep(retryMs);
  }
  return false;
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: greetingTimeoutMs });
    const done = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (bytes) => {
      done(bytes.toString("latin1").startsWith("SSH-"))();
    });
    for (const event of ["timeout", "error", "close"]) socket.once(event, done(false));
  });
}
