/** The command line of ssh for one look: every key pinned, nobody asked, nothing taken from the person's own configuration. Pure. */
import { quote } from "./quote.ts";
import type { JumpSpec } from "./jump.ts";
import type { HostSpec } from "./site-spec.ts";

/** How ssh gets to a host. */
export type Reach = Pick<HostSpec, "name" | "address" | "port" | "login" | "hostKey" | "jump">;

/** Where one end of the way listens, as whom it is entered, and the key that it has to show. */
type End = Pick<JumpSpec, "address" | "port" | "login" | "hostKey">;

/** Files of one call, all in a folder of its own. */
export interface SshFiles {
  /** Pinned key of the host, and of the jump host. */
  readonly knownHosts: string;
  readonly knownJumps: string;
  /** What the ssh to the jump host has to say: apart from what the host itself says. */
  readonly jumpLog: string;
  /** What is copied to see whether a copy arrives. */
  readonly trial: string;
}

const connectTimeoutSec = 10;

/** Arguments of ssh(1) up to the command that runs on the host. */
export function sshArguments(host: Reach, files: SshFiles): readonly string[] {
  return ["-F", "none", "-p", String(host.port), "-l", host.login, ...way(host, files), "-T"];
}

/** Settings alone, in which ssh(1) and sftp(1) are the same. */
function way({ jump }: Reach, files: SshFiles): readonly string[] {
  const through = jump === undefined ? [] : ["-o", `ProxyCommand=${proxyCommand(jump, files)}`];
  // Through a jump host the time runs from before the first of the two logins.
  const timeout = jump === undefined ? connectTimeoutSec : 2 * connectTimeoutSec;
  return [...settings(files.knownHosts, timeout), "-o", "LogLevel=ERROR", ...through];
}

/** The same with ssh's own words on what it does among those of the host. What comes first counts: ssh_config(5). */
export function traceArguments(host: Reach, files: SshFiles): readonly string[] {
  return ["-o", "LogLevel=DEBUG1", ...sshArguments(host, files)];
}

/** The same way for sftp(1), which takes a batch on standard input and hands these options on to ssh; with the destination. */
export function sftpArguments(host: Reach, files: SshFiles): readonly string[] {
  // In brackets an address of IPv6 ends where its port would begin.
  const destination = host.address.includes(":") ? `[${host.address}]` : host.address;
  const end = ["-F", "none", "-P", String(host.port), "-o", `User="${host.login}"`];
  return ["-b", "-", ...end, ...way(host, files), "--", destination];
}

/**
 * The same way to a host whose key nobody knows yet: ssh writes the key that it shows into `files.knownHosts`, and nobody logs in. A
 * jump host in between has to show its pinned key all the same.
 */
export function keyArguments(host: Reach, files: SshFiles): readonly string[] {
  // What comes first counts: ssh_config(5).
  const options = {
    StrictHostKeyChecking: "accept-new",
    PreferredAuthentications: "none",
    HostKeyAlgorithms: "ssh-ed25519,ecdsa-sha2-nistp256",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return [...flags, ...sshArguments(host, files)];
}

/**
 * Not `-J`: it would give none of these options to the second ssh, whose jump host would then be any. ssh runs this by a shell, and
 * replaces words with a percent sign.
 */
function proxyCommand(jump: JumpSpec, { knownJumps, jumpLog }: SshFiles): string {
  const reached = [
    "-F",
    "none",
    "-p",
    String(jump.port),
    "-l",
    jump.login,
    ...settings(knownJumps, connectTimeoutSec),
  ];
  const args = ["ssh", ...reached, "-o", "LogLevel=INFO", "-E", jumpLog];
  const words = [...args, "--", jump.address].map((word) => quote(word).replaceAll("%", "%%"));
  return [words[0], "-W", "'[%h]:%p'", ...words.slice(1)].join(" ");
}

function settings(knownHosts: string, timeoutSec: number): string[] {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    // A list of files, in which words with a percent sign are replaced.
    UserKnownHostsFile: `"${knownHosts.replaceAll("%", "%%")}"`,
    GlobalKnownHostsFile: "/dev/null",
    // As Pulumi's plugin does: the agent's keys and no other, so that a look proves that the run will get in.
    IdentityFile: "none",
    ConnectTimeout: String(timeoutSec),
    ServerAliveInterval: "10",
    ServerAliveCountMax: "3",
    ControlPath: "none",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** A line of known_hosts, as ssh looks for this address and port. */
export function knownHostLine({ address, port, hostKey }: End): string {
  return `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;
}
