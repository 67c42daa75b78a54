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
}

const connectTimeoutSec = 10;

/** Arguments of ssh(1) up to the command that runs on the host. */
export function sshArguments(host: Reach, files: SshFiles): readonly string[] {
  const { jump } = host;
  const through = jump === undefined ? [] : ["-o", `ProxyCommand=${proxyCommand(jump, files)}`];
  // Through a jump host the time runs from before the first of the two logins.
  const timeout = jump === undefined ? connectTimeoutSec : 2 * connectTimeoutSec;
  return [...ends(host, files.knownHosts, timeout), "-T", "-o", "LogLevel=ERROR", ...through];
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
  const args = ["ssh", ...ends(jump, knownJumps, connectTimeoutSec), "-o", "LogLevel=INFO", "-E", jumpLog];
  const words = [...args, "--", jump.address].map((word) => quote(word).replaceAll("%", "%%"));
  return [words[0], "-W", "'[%h]:%p'", ...words.slice(1)].join(" ");
}

function ends({ port, login }: End, knownHosts: string, timeoutSec: number): string[] {
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
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["-F", "none", "-p", String(port), "-l", login, ...flags];
}

/** A line of known_hosts, as ssh looks for this address and port. */
export function knownHostLine({ address, port, hostKey }: End): string {
  return `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;
}
