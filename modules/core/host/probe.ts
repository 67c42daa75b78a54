/** One read-only probe of a host over one ssh connection, and the start of a script there. The only file that starts ssh. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { endpoint } from "../endpoint.ts";
import { copyError } from "./copy-errors.ts";
import { withLoginSlot, retryWhileLimited } from "./ssh-login-limit.ts";
import type { Problem } from "../errors.ts";
import { IdleProgram, KilledProgram, type ProgramOptions, runProgram } from "../process.ts";
import { hostCommand, type HostScript, hostScriptCommand } from "./host-command.ts";
import { libraryBytes, type Library } from "./library.ts";
import {
  causeOf,
  sshError,
  type SshError,
  untrustedReport,
  openQuestion,
  type Question,
  isRateLimited,
} from "./ssh-errors.ts";
import type { SshExit } from "./ssh-exit.ts";
import { reportFault, parseReport, type HostReport } from "./report.ts";
import {
  keyArguments,
  knownHostLine,
  type Reach,
  sftpArguments,
  sshArguments,
  type SshFiles,
  traceArguments,
} from "./ssh-arguments.ts";
import { planText, type Phase } from "./step.ts";

export type { Reach } from "./ssh-arguments.ts";

/** The result of a probe: a report, or the problem that prevented it. Never an exception. */
export type Probe =
  | { readonly kind: "reached"; readonly report: HostReport }
  | { readonly kind: "pending" | "unreachable"; readonly problem: Problem }
  | { readonly kind: "refused"; readonly problem: Problem };

/** A host that a run cannot probe because its address, port or host key has no value; pending: an update of the same program waits for it. */
export interface UnprobedHost {
  readonly kind: "pending" | "unreachable";
  readonly problem: Problem;
}

/** A host that has responded and then sends nothing for this long counts as unreachable. */
const silenceMs = 180_000;

/** The time limit for a host that keeps sending: reading a large registry completely takes minutes after a boot. */
const probeTimeoutMs = 1_800_000;

/** The longest report of a healthy host has about 200 KB. */
const maxBytes = 8 * 2 ** 20;

type Input = NonNullable<ProgramOptions["input"]>;

export interface ProbeOptions {
  /**
   * Whether to test copying on a host that differs and will be changed next: a small file is copied there as `up` copies, read
   * back as root, and removed again, over separate connections. For a host without differences this costs nothing. Default false.
   */
  readonly copies?: boolean;
}

/** Runs every step of the phases in check mode, as root, and changes nothing. */
export async function probe(
  host: Reach,
  phases: readonly Phase[],
  library: Library,
  { copies = false }: ProbeOptions = {},
): Promise<Probe> {
  const plan = phases.map((phase) => planText(host.name, phase, { serial: 0 })).join("");
  // The plan has no line of this name: quote() refuses line ends. The first word of output shows that the login has succeeded.
  // All hosts share the bytes of the library, so that a probe does not encode and copy them for each.
  const input = ["echo in\n", libraryBytes(library), `\nrun check <<'SEALIFT_PLAN'\n${plan}SEALIFT_PLAN\n`];
  return inFolder(host, async (files) => {
    const ended = await onHost(host, files, hostCommand("login.sh", "probe.sh", "look"), input);
    const report = parseReport(ended.stdout);
    if (report.revision === undefined || ended.exitCode === null) {
      const question = openQuestion(host, ended);
      return sshError(host, ended, question && (await runQuestion(host, files, question)));
    }
    const facts = new Map(
      phases.flatMap(({ steps }) => steps.map(({ code, fact }) => [code, fact] as const)),
    );
    const fault = reportFault(report, new Set(facts.keys()));
    if (fault !== undefined) return untrustedReport(host, fault);
    // The text of a fact comes from the plan, not from the host.
    const steps = report.steps.map((step) => ({ ...step, fact: facts.get(step.code) ?? step.fact }));
    if (copies && steps.some(({ status }) => status === "drift")) {
      const [greeting = ""] = ended.stdout.split(/^in$/m, 1);
      const problem = await tryCopy(host, files, greeting);
      if (problem !== undefined) return problem;
    }
    return { kind: "reached", report: { ...report, steps } };
  });
}

/** A command line of {@link hostCommand}, over a separate connection. */
function onHost(host: Reach, files: SshFiles, command: string, input: Input = ""): Promise<SshExit> {
  return login(host, [...sshArguments(host, files), "--", host.address, command], files, input);
}

/** Queries the same host again. One try only: the answer merely improves a message. */
function runQuestion(host: Reach, files: SshFiles, question: Question): Promise<SshExit> {
  const args = {
    trace: [...traceArguments(host, files), "--", host.address, "true"],
    rules: [...sshArguments(host, files), "--", host.address, "sudo -n -l"],
  };
  return withLoginSlot(loginServerOf(host), (entered) => ssh(args[question], files, "", entered));
}

/**
 * Copies a small file as the command plugin does (1.2.1, CopyToRemote): by sftp, to ~/.sealift, which is created when absent.
 * Root reads it back, and the SSH user removes it.
 */
async function tryCopy(host: Reach, files: SshFiles, greeting: string): Promise<SshError | undefined> {
  const name = `trial-${randomUUID()}`;
  writeFileSync(files.trial, `${name}\n`);
  // A minus sign: the folder may exist. In the working directory of the call, the local name needs no quotes (sftp(1)).
  const batch = `-mkdir .sealift\nput ${basename(files.trial)} .sealift/${name}\n`;
  const copied = await retryWhileLimited(
    () =>
      withLoginSlot(loginServerOf(host), (entered) =>
        sftp(sftpArguments(host, files), files, batch, entered),
      ),
    isRateLimited,
  );
  const read =
    copied.exitCode === 0
      ? await onHost(host, files, hostCommand("login.sh", "read-back.sh", "read-back", name))
      : undefined;
  // sftp exits with 255 when the connection failed.
  if (copied.exitCode !== 255)
    await onHost(host, files, hostCommand("remove-trial.sh", undefined, "take-away", name));
  const cause = copyError(host.sshUser, { copied, read }, name, greeting);
  return cause && causeOf(host, cause);
}

/**
 * The host key that a host behind a jump host presents: not to be trusted before the operator has verified it. No login takes
 * place.
 *
 * @returns `ssh-ed25519 AAAA…`, or the problem that prevented it.
 */
export async function keyBehindJump(host: Omit<Reach, "hostKey">): Promise<string | Problem> {
  const unknown = { ...host, hostKey: "" };
  return inFolder(unknown, async (files) => {
    writeFileSync(files.knownHosts, "");
    const ended = await login(unknown, [...keyArguments(unknown, files), "--", host.address], files, "");
    const [, key] = /^\S+ (\S+ \S+)$/m.exec(readFileSync(files.knownHosts, "utf8")) ?? [];
    return key ?? sshError(unknown, ended).problem;
  });
}

/** What a script of a host has printed, with its exit code. */
export interface ScriptEnd {
  readonly kind: "ended";
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A restore of terabytes takes hours; the script prints something every half minute. */
const scriptTimeoutMs = 86_400_000;

/**
 * Runs a script that Sealift has placed on a host, as root, over one ssh connection. A script that changes the host does so in a unit
 * of its own, so that the end of the connection does not stop it.
 *
 * @param onLine called with each line of its output, as it arrives: external input.
 * @param input of the script. Default nothing.
 */
export async function runHostScript(
  host: Reach,
  script: HostScript,
  args: readonly string[],
  onLine: (line: string) => void = () => undefined,
  input: Input = "",
): Promise<ScriptEnd | SshError> {
  return inFolder(host, async (files) => {
    const command = [...sshArguments(host, files), "--", host.address, hostScriptCommand(script, args)];
    const lines = linesOf(onLine);
    const ended = await retryWhileLimited(
      () =>
        withLoginSlot(loginServerOf(host), (entered) =>
          exitOf(files, () =>
            runProgram("ssh", command, {
              ...sessionOptions(files, input, entered),
              timeoutMs: scriptTimeoutMs,
              onPart: lines.add,
            }),
          ),
        ),
      isRateLimited,
    );
    lines.end();
    const { exitCode, stderr } = ended;
    // The first line shows that the login has succeeded; after it, ssh itself ends with 255 when the connection breaks.
    const [, stdout] = /^in\n([^]*)$/m.exec(ended.stdout) ?? [];
    if (stdout === undefined || exitCode === null || exitCode === 255) {
      const question = openQuestion(host, ended);
      return sshError(host, ended, question && (await runQuestion(host, files, question)));
    }
    return { kind: "ended", exitCode, stdout, stderr };
  });
}

/** Calls with each whole line after the first `in`, and with the rest at the end. */
function linesOf(onLine: (line: string) => void): {
  readonly add: (part: Buffer) => void;
  readonly end: () => void;
} {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let started = false;
  const take = (line: string): void => {
    if (started) onLine(line);
    else started = line === "in";
  };
  return {
    add: (part) => {
      const lines = (rest + decoder.write(part)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    },
    end: () => {
      if (rest !== "") take(rest);
    },
  };
}

async function inFolder<T>(host: Reach, work: (files: SshFiles) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sealift-"));
  try {
    return await work(writeFiles(host, folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Waits for a free login slot, and retries when sshd refuses the connection. */
function login(host: Reach, args: readonly string[], files: SshFiles, input: Input): Promise<SshExit> {
  return retryWhileLimited(
    () => withLoginSlot(loginServerOf(host), (entered) => ssh(args, files, input, entered)),
    isRateLimited,
  );
}

function writeFiles(host: Reach, folder: string): SshFiles {
  const files = {
    knownHosts: join(folder, "known_hosts"),
    knownJumps: join(folder, "known_jumps"),
    jumpLog: join(folder, "jump.log"),
    trial: join(folder, "trial"),
  };
  writeFileSync(files.knownHosts, knownHostLine(host));
  if (host.jumpHost !== undefined) writeFileSync(files.knownJumps, knownHostLine(host.jumpHost));
  return files;
}

/** The sshd of the first login: all hosts behind a jump host share it. */
function loginServerOf({ jumpHost, address, port }: Reach): string {
  return jumpHost === undefined ? endpoint(address, port) : endpoint(jumpHost.address, jumpHost.port);
}

/** @param entered called with the host's first output. */
function ssh(args: readonly string[], files: SshFiles, input: Input, entered: () => void): Promise<SshExit> {
  return exitOf(files, () => runProgram("ssh", args, sessionOptions(files, input, entered)));
}

/** sftp(1) runs the ssh of the PATH, as a probe does. */
function sftp(
  args: readonly string[],
  files: SshFiles,
  batch: string,
  entered: () => void,
): Promise<SshExit> {
  return exitOf(files, () =>
    runProgram("sftp", ["-S", "ssh", ...args], sessionOptions(files, batch, entered)),
  );
}

function sessionOptions({ trial }: SshFiles, input: Input, entered: () => void): ProgramOptions {
  return {
    input,
    // Otherwise ssh runs the ProxyCommand with the operator's own shell.
    env: { ...process.env, LC_ALL: "C", SHELL: "/bin/sh" },
    directory: dirname(trial),
    timeoutMs: probeTimeoutMs,
    idleMs: silenceMs,
    maxOutput: maxBytes,
    maxErrors: maxBytes,
    onOutput: entered,
  };
}

/** Never an exception: a host that is killed for its output must not take the rest of the site with it. */
async function exitOf({ jumpLog }: SshFiles, run: () => ReturnType<typeof runProgram>): Promise<SshExit> {
  rmSync(jumpLog, { force: true });
  try {
    const { exitCode, signal, stdout, stderr } = await run();
    return {
      exitCode: signal === null ? exitCode : null,
      stdout: stdout.toString(),
      stderr,
      jumpLog: readLog(jumpLog),
    };
  } catch (error) {
    if (!(error instanceof KilledProgram)) {
      const stderr = error instanceof Error ? error.message : String(error);
      return { exitCode: 255, stdout: "", stderr, jumpLog: readLog(jumpLog) };
    }
    const why =
      error instanceof IdleProgram
        ? `the host sent nothing for ${silenceMs / 1000} s`
        : `the host sent a report of more than ${maxBytes / 2 ** 20} MiB`;
    const { stdout, stderr } = error.result;
    return {
      exitCode: null,
      stdout: stdout.toString(),
      stderr: `${stderr}\n${why}`,
      jumpLog: readLog(jumpLog),
    };
  }
}

function readLog(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
