/** One read-only look at a host over one ssh connection. The only file that opens ssh. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ErrorCode, Problem } from "./errors.ts";
import type { Library } from "./library.ts";
import { parseReport, type Report } from "./report.ts";
import type { HostSpec } from "./site.ts";
import { planText, type Phase } from "./step.ts";

/** What a look gave: a report, or the problem that kept it from being made. Never an exception. */
export type Probe =
  | { readonly kind: "reached"; readonly report: Report }
  | { readonly kind: "unreachable"; readonly problem: Problem }
  | { readonly kind: "refused"; readonly problem: Problem };

/** How ssh gets to a host. */
export type Reach = Pick<HostSpec, "name" | "address" | "port" | "login" | "hostKey">;

/** A host that answers and then says nothing for this long is as good as gone. */
const probeTimeoutMs = 180_000;
const connectTimeoutSec = 10;

/** Runs every step of the phases in check mode, as root, and changes nothing. */
export async function probe(host: Reach, phases: readonly Phase[], library: Library): Promise<Probe> {
  const plan = phases.map((phase) => planText(host.name, phase, 0)).join("");
  // The plan has no line of this name: quote() lets no line end into it.
  const input = `${library.text}\nrun check <<'SEALIFT_PLAN'\n${plan}SEALIFT_PLAN\n`;
  const folder = mkdtempSync(join(tmpdir(), "sealift-"));
  try {
    const knownHosts = join(folder, "known_hosts");
    writeFileSync(knownHosts, `${knownName(host)} ${host.hostKey}\n`);
    const { exitCode, stdout, stderr } = await ssh(host, knownHosts, input);
    const report = parseReport(stdout);
    if (report.mark !== undefined) return { kind: "reached", report };
    return classify(host, exitCode, stdout, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ssh(host: Reach, knownHosts: string, input: string): Promise<Ended> {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    // As Pulumi's plugin does: the agent's keys and no other, so that a look proves that the run will get in.
    IdentityFile: "none",
    ConnectTimeout: String(connectTimeoutSec),
    ServerAliveInterval: "10",
    ServerAliveCountMax: "3",
    ControlPath: "none",
    LogLevel: "ERROR",
  };
  const args = ["-F", "none", "-T", "-p", String(host.port), "-l", host.login];
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const shell = host.login === "root" ? ["sh", "-s"] : ["sudo", "-n", "sh", "-s"];
  return new Promise((resolve) => {
    const child = spawn("ssh", [...args, ...flags, "--", host.address, ...shell], {
      env: { ...process.env, LC_ALL: "C" },
      timeout: probeTimeoutMs,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    const end = (exitCode: number | null, note = ""): void => {
      resolve({
        exitCode,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + note,
      });
    };
    child.on("error", (error) => {
      end(255, error.message);
    });
    child.on("close", (exitCode) => {
      end(exitCode);
    });
    // A host that hangs up early breaks this pipe; the exit code tells why.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function classify(host: Reach, exitCode: number | null, stdout: string, stderr: string): Probe {
  const said = lastLine(stderr) || lastLine(stdout) || `exit code ${String(exitCode)}`;
  const say = (code: ErrorCode, expected: string, todo: string): Problem => ({
    where: host.name,
    code,
    subject: `${host.login}@${host.address}:${host.port}`,
    got: JSON.stringify(said),
    expected,
    todo,
  });
  if (/host key verification failed|identification has changed/i.test(stderr)) {
    const todo =
      "if the host was really installed anew, put its new key into the site file; if not, somebody is in between";
    return { kind: "refused", problem: say("E_HOST_KEY", "the host key of the site file", todo) };
  }
  if (/permission denied/i.test(stderr)) {
    const todo = `load the login's key into the agent (ssh-add), and have it in ~${host.login}/.ssh/authorized_keys`;
    return { kind: "refused", problem: say("E_LOGIN", "a login with a key of the ssh-agent", todo) };
  }
  if (exitCode === 255 || exitCode === null) {
    const todo = "see that the host runs and that its sshd can be reached from here";
    return { kind: "unreachable", problem: say("E_HOST_UNREACHABLE", "an answer from sshd", todo) };
  }
  if (/sudo/.test(stderr)) {
    const todo = `put "${host.login} ALL=(ALL) NOPASSWD: ALL" into a file in /etc/sudoers.d on the host`;
    return { kind: "refused", problem: say("E_SUDO", "sudo without a password", todo) };
  }
  return {
    kind: "refused",
    problem: say("E_PROBE", "a whole report of the host", "look at the host by hand with ssh"),
  };
}

function knownName({ address, port }: Reach): string {
  return port === 22 ? address : `[${address}]:${port}`;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
