/** One read-only look at a host over one ssh connection. The only file that opens ssh. */
import {
  type ChildProcessWithoutNullStreams,
  spawn,
  type SpawnOptionsWithoutStdio,
} from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { copyProblem } from "./copy-problem.ts";
import { atDoor, knocking } from "./door.ts";
import type { Problem } from "./errors.ts";
import { hostCommand } from "./host-command.ts";
import type { Library } from "./library.ts";
import {
  causeOf,
  type Ended,
  lookProblem,
  type LookProblem,
  misbehaves,
  openQuestion,
  type Question,
  turnedAway,
} from "./look-problem.ts";
import { misbehaviour, parseReport, type Report } from "./report.ts";
import { afterSilence } from "./silence.ts";
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

/** What a look gave: a report, or the problem that kept it from being made. Never an exception. */
export type Probe =
  | { readonly kind: "reached"; readonly report: Report }
  | { readonly kind: "unreachable"; readonly problem: Problem }
  | { readonly kind: "refused"; readonly problem: Problem };

/** A host that answers and then says nothing for this long is as good as gone. */
const silenceMs = 180_000;

/** A host that always goes on is given up after this: reading all of a large registry takes minutes after a boot. */
const probeTimeoutMs = 1_800_000;

/** The longest report of a host that is well has some 200 KB. */
const mostBytes = 8 * 2 ** 20;

export interface ProbeOptions {
  /**
   * Whether a host that differs is to be changed next: then a small file is copied there as `up` copies, read back as root, and taken away
   * again, over connections of their own. A host that differs in nothing costs no more. Default false.
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
  // The plan has no line of this name: quote() lets no line end into it. The first word back says that the login is done.
  const input = `echo in\n${library.text}\nrun check <<'SEALIFT_PLAN'\n${plan}SEALIFT_PLAN\n`;
  return inFolder(host, async (files) => {
    const ended = await onHost(host, files, hostCommand("login.sh", "look.sh", "look"), input);
    const report = parseReport(ended.stdout);
    if (report.mark === undefined || ended.exitCode === null) {
      const question = openQuestion(host, ended);
      return lookProblem(host, ended, question && (await ask(host, files, question)));
    }
    const facts = new Map(
      phases.flatMap(({ steps }) => steps.map(({ code, fact }) => [code, fact] as const)),
    );
    const strange = misbehaviour(report, new Set(facts.keys()));
    if (strange !== undefined) return misbehaves(host, strange);
    // What a fact is, the plan says, and not whoever answers.
    const steps = report.steps.map((step) => ({ ...step, fact: facts.get(step.code) ?? step.fact }));
    if (copies && steps.some(({ status }) => status === "drift")) {
      const [greeting = ""] = ended.stdout.split(/^in$/m, 1);
      const problem = await tryCopy(host, files, greeting);
      if (problem !== undefined) return problem;
    }
    return { kind: "reached", report: { ...report, steps } };
  });
}

/** A command line of {@link hostCommand}, over a connection of its own. */
function onHost(host: Reach, files: SshFiles, command: string, input = ""): Promise<Ended> {
  return login(host, [...sshArguments(host, files), "--", host.address, command], files, input);
}

/** Asks the same host once more. It knocks once: the answer is worth no more than better words. */
function ask(host: Reach, files: SshFiles, question: Question): Promise<Ended> {
  const args = {
    trace: [...traceArguments(host, files), "--", host.address, "true"],
    rules: [...sshArguments(host, files), "--", host.address, "sudo -n -l"],
  };
  return atDoor(doorOf(host), (entered) => ssh(args[question], files, "", entered));
}

/**
 * Copies a small file as the command plugin does (1.2.1, CopyToRemote): by sftp, to ~/.sealift, which is made when it is absent. Root reads
 * it back, and the login takes it away.
 */
async function tryCopy(host: Reach, files: SshFiles, greeting: string): Promise<LookProblem | undefined> {
  const name = `trial-${randomUUID()}`;
  writeFileSync(files.trial, `${name}\n`);
  // A minus sign: the folder may be there. In the folder of the call, the local name needs no quotes (sftp(1)).
  const batch = `-mkdir .sealift\nput ${basename(files.trial)} .sealift/${name}\n`;
  const copied = await knocking(
    () => atDoor(doorOf(host), (entered) => sftp(sftpArguments(host, files), files, batch, entered)),
    turnedAway,
  );
  const read =
    copied.exitCode === 0
      ? await onHost(host, files, hostCommand("login.sh", "read-back.sh", "read-back", name))
      : undefined;
  // sftp ends with 255 when it did not begin.
  if (copied.exitCode !== 255)
    await onHost(host, files, hostCommand("take-away.sh", undefined, "take-away", name));
  const cause = copyProblem(host.login, { copied, read }, name, greeting);
  return cause && causeOf(host, cause);
}

/**
 * The key that a host shows to whoever asks through its jump host: worth nothing before a person has compared it. Nobody logs in.
 * @returns `ssh-ed25519 AAAA…`, or what kept anybody from asking.
 */
export async function keyBehindJump(host: Omit<Reach, "hostKey">): Promise<string | Problem> {
  const unknown = { ...host, hostKey: "" };
  return inFolder(unknown, async (files) => {
    writeFileSync(files.knownHosts, "");
    const ended = await login(unknown, [...keyArguments(unknown, files), "--", host.address], files, "");
    const [, key] = /^\S+ (\S+ \S+)$/m.exec(readFileSync(files.knownHosts, "utf8")) ?? [];
    return key ?? lookProblem(unknown, ended).problem;
  });
}

async function inFolder<T>(host: Reach, work: (files: SshFiles) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sealift-"));
  try {
    return await work(writeFiles(host, folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Waits for room at the door, and comes back when it is turned away. */
function login(host: Reach, args: readonly string[], files: SshFiles, input: string): Promise<Ended> {
  return knocking(() => atDoor(doorOf(host), (entered) => ssh(args, files, input, entered)), turnedAway);
}

function writeFiles(host: Reach, folder: string): SshFiles {
  const files = {
    knownHosts: join(folder, "known_hosts"),
    knownJumps: join(folder, "known_jumps"),
    jumpLog: join(folder, "jump.log"),
    trial: join(folder, "trial"),
  };
  writeFileSync(files.knownHosts, knownHostLine(host));
  if (host.jump !== undefined) writeFileSync(files.knownJumps, knownHostLine(host.jump));
  return files;
}

/** Where the first login is asked for: all hosts behind a jump host share it. */
function doorOf({ jump, address, port }: Reach): string {
  return jump === undefined ? `${address}:${port}` : `${jump.address}:${jump.port}`;
}

/** @param entered called when the host has said its first word. */
function ssh(args: readonly string[], files: SshFiles, input: string, entered: () => void): Promise<Ended> {
  return talk(spawn("ssh", args, settings(files)), files, input, entered);
}

/** sftp(1) runs the ssh of the PATH, as a look does. */
function sftp(args: readonly string[], files: SshFiles, batch: string, entered: () => void): Promise<Ended> {
  return talk(spawn("sftp", ["-S", "ssh", ...args], settings(files)), files, batch, entered);
}

function settings({ trial }: SshFiles): SpawnOptionsWithoutStdio {
  return {
    // ssh runs the way through a jump host by the person's own shell otherwise.
    env: { ...process.env, LC_ALL: "C", SHELL: "/bin/sh" },
    cwd: dirname(trial),
    timeout: probeTimeoutMs,
  };
}

function talk(
  child: ChildProcessWithoutNullStreams,
  { jumpLog }: SshFiles,
  input: string,
  entered: () => void,
): Promise<Ended> {
  rmSync(jumpLog, { force: true });
  return new Promise((resolve) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    let given = "";
    const giveUp = (why: string): void => {
      given = `\n${why}`;
      child.kill("SIGKILL");
    };
    const silence = afterSilence(silenceMs, () => {
      giveUp(`the host has said nothing for ${silenceMs / 1000} s`);
    });
    const take = (into: Buffer[]) => (chunk: Buffer) => {
      silence.heard();
      bytes += chunk.length;
      // What comes after that is read by nobody, or the rest of the site would go without.
      if (bytes > mostBytes) giveUp(`the host has sent more than ${mostBytes / 2 ** 20} MiB for a report`);
      else into.push(chunk);
    };
    child.stdout.on("data", take(out));
    child.stdout.once("data", entered);
    child.stderr.on("data", take(err));
    const end = (exitCode: number | null, note = ""): void => {
      silence.end();
      resolve({
        exitCode,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + note,
        jumpLog: readLog(jumpLog),
      });
    };
    child.on("error", (error) => {
      end(255, error.message);
    });
    child.on("close", (exitCode) => {
      end(given === "" ? exitCode : null, given);
    });
    // A host that hangs up early breaks this pipe; the exit code tells why.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function readLog(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
