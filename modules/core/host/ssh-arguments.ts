/**
 * The command line of ssh for a probe: every key is pinned, no prompts, and no setting of the operator's own configuration. Pure.
 */
import { bracketed } from "../endpoint.ts";
import { quote } from "../quote.ts";
import type { JumpSpec } from "../site/jump-host.ts";
import type { HostSpec } from "../site/site-spec.ts";

/** How ssh reaches a host. */
export type Reach = Pick<HostSpec, "name" | "address" | "port" | "sshUser" | "hostKey" | "jumpHost">;

/** One end of the connection: its address, its user, and its pinned host key. */
type End = Pick<JumpSpec, "address" | "port" | "sshUser" | "hostKey">;

/** Files of one call, all in a private folder. */
export interface SshFiles {
  /** Pinned keys of the host and of the jump host. */
  readonly knownHosts: string;
  readonly knownJumps: string;
  /** Log of the ssh to the jump host, separate from the host's output. */
  readonly jumpLog: string;
  /** The file of a trial copy. */
  readonly trial: string;
}

const connectTimeoutSec = 10;

/** Arguments of ssh(1) up to the command that runs on the host. */
export function sshArguments(host: Reach, files: SshFiles): readonly string[] {
  return ["-F", "none", "-p", String(host.port), "-l", host.sshUser, ...jumpOptions(host, files), "-T"];
}

/** The settings that ssh(1) and sftp(1) share. */
function jumpOptions({ jumpHost }: Reach, files: SshFiles): readonly string[] {
  const through = jumpHost === undefined ? [] : ["-o", `ProxyCommand=${proxyCommand(jumpHost, files)}`];
  // Through a jump host the timeout covers both logins.
  const timeout = jumpHost === undefined ? connectTimeoutSec : 2 * connectTimeoutSec;
  return [...settings(files.knownHosts, timeout), "-o", "LogLevel=ERROR", ...through];
}

/** The same with ssh's debug messages among the output. The first value of an option applies: ssh_config(5). */
export function traceArguments(host: Reach, files: SshFiles): readonly string[] {
  return ["-o", "LogLevel=DEBUG1", ...sshArguments(host, files)];
}

/** The same for sftp(1), which takes a batch on standard input and passes these options to ssh; with the destination. */
export function sftpArguments(host: Reach, files: SshFiles): readonly string[] {
  // Brackets separate an IPv6 address from its port.
  const end = ["-F", "none", "-P", String(host.port), "-o", `User="${host.sshUser}"`];
  return ["-b", "-", ...end, ...jumpOptions(host, files), "--", bracketed(host.address)];
}

/**
 * The same connection to a host whose key is unknown: ssh writes the presented key to `files.knownHosts`, and no login takes
 * place. A jump host must still present its pinned key.
 */
export function keyArguments(host: Reach, files: SshFiles): readonly string[] {
  // The first value of an option applies: ssh_config(5).
  const options = {
    StrictHostKeyChecking: "accept-new",
    PreferredAuthentications: "none",
    HostKeyAlgorithms: "ssh-ed25519,ecdsa-sha2-nistp256",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return [...flags, ...sshArguments(host, files)];
}

/**
 * Not `-J`, which would pass none of these options to the second ssh, so that any jump host would be accepted. ssh runs this with
 * a shell, and expands percent tokens.
 */
function proxyCommand(jump: JumpSpec, { knownJumps, jumpLog }: SshFiles): string {
  const reached = [
    "-F",
    "none",
    "-p",
    String(jump.port),
    "-l",
    jump.sshUser,
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
    // A list of files in which percent tokens are expanded.
    UserKnownHostsFile: `"${knownHosts.replaceAll("%", "%%")}"`,
    GlobalKnownHostsFile: "/dev/null",
    // As Pulumi's plugin does: only the agent's keys, so that a probe proves that the run can log in.
    IdentityFile: "none",
    ConnectTimeout: String(timeoutSec),
    ServerAliveInterval: "10",
    ServerAliveCountMax: "3",
    ControlPath: "none",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** A known_hosts line in the form in which ssh looks up this address and port. */
export function knownHostLine({ address, port, hostKey }: End): string {
  return `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;
}
