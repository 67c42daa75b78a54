/** Why a look at a host did not come about, out of what ssh said. Pure. */
import type { ErrorCode, Problem } from "./errors.ts";
import type { Reach } from "./ssh-arguments.ts";

/** How a call of ssh ended. */
export interface Ended {
  /** Null after a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the ssh to the jump host said. */
  readonly jumpLog: string;
}

/** unreachable: the host may be there tomorrow. refused: somebody has to do something about it first. */
export interface LookProblem {
  readonly kind: "unreachable" | "refused";
  readonly problem: Problem;
}

const wrongKey = /host key verification failed|identification has changed/i;
const noLogin = /permission denied/i;

export function lookProblem(host: Reach, ended: Ended): LookProblem {
  return jumpProblem(host, ended) ?? hostProblem(host, ended);
}

/**
 * Whether sshd has hung up before it said its name, as it does when too many are at its door (sshd_config(5), MaxStartups and
 * PerSourcePenalties): worth another try.
 */
export function turnedAway({ exitCode, stderr, jumpLog }: Ended): boolean {
  const said = failed(jumpLog) ? jumpLog : stderr;
  if (exitCode !== 255 || wrongKey.test(said) || noLogin.test(said)) return false;
  return /kex_exchange_identification|banner exchange|exceeded maxstartups|not allowed at this time/i.test(
    said,
  );
}

/** A log of a jump that went well has its farewell at most. */
function failed(jumpLog: string): boolean {
  return /kex_exchange|failed|denied|changed|refused|timed out|no route|not resolve|closed|reset|unreachable|prohibited/i.test(
    jumpLog,
  );
}

/** Undefined when the way through the jump host was open. */
function jumpProblem({ name, jump }: Reach, { exitCode, stderr, jumpLog }: Ended): LookProblem | undefined {
  if (jump === undefined || exitCode !== 255 || !failed(jumpLog)) return undefined;
  // The host itself has spoken, so that the jump host has let it.
  if (wrongKey.test(stderr) || noLogin.test(stderr)) return undefined;
  const say = (code: ErrorCode, expected: string, todo: string): Problem => ({
    where: name,
    code,
    subject: `jump ${jump.login}@${jump.address}:${jump.port}`,
    got: JSON.stringify(lastLine(jumpLog)),
    expected,
    todo,
  });
  if (wrongKey.test(jumpLog)) {
    const expected = "the jump host's key of the site file";
    return { kind: "refused", problem: say("E_JUMP_KEY", expected, compareKey("jump host")) };
  }
  if (noLogin.test(jumpLog)) {
    return { kind: "refused", problem: say("E_JUMP_LOGIN", agentLogin, `${bringKey(jump.login)} there`) };
  }
  if (/administratively prohibited/i.test(jumpLog)) {
    const todo = "set AllowTcpForwarding local in the jump host's sshd_config, and PermitOpen if it is there";
    return { kind: "refused", problem: say("E_JUMP_FORWARD", "a jump host that forwards", todo) };
  }
  // It was entered, and could not get any farther: that is the host behind it.
  if (/open failed|stdio forwarding failed/i.test(jumpLog)) return undefined;
  const todo = "see that the jump host runs and that its sshd can be reached from here";
  return {
    kind: "unreachable",
    problem: say("E_JUMP_UNREACHABLE", "an answer from the jump host's sshd", todo),
  };
}

function hostProblem(host: Reach, { exitCode, stdout, stderr, jumpLog }: Ended): LookProblem {
  // What the outer ssh says when its way ends is an echo of the jump's own word.
  const words = failed(jumpLog) ? [jumpLog, stderr, stdout] : [stderr, stdout];
  const said = words.map(lastLine).find((line) => line !== "") ?? `exit code ${String(exitCode)}`;
  const way = host.jump === undefined ? "" : ` through ${host.jump.address}:${host.jump.port}`;
  const say = (code: ErrorCode, expected: string, todo: string): Problem => ({
    where: host.name,
    code,
    subject: `${host.login}@${host.address}:${host.port}${way}`,
    got: JSON.stringify(said),
    expected,
    todo,
  });
  if (wrongKey.test(stderr)) {
    const expected = "the host key of the site file";
    return { kind: "refused", problem: say("E_HOST_KEY", expected, compareKey("host")) };
  }
  if (noLogin.test(stderr)) {
    return { kind: "refused", problem: say("E_LOGIN", agentLogin, bringKey(host.login)) };
  }
  if (exitCode === 255 || exitCode === null) {
    const from = host.jump === undefined ? "here" : "the jump host";
    const todo = `see that the host runs and that its sshd can be reached from ${from}`;
    return { kind: "unreachable", problem: say("E_HOST_UNREACHABLE", "an answer from sshd", todo) };
  }
  if (/sudo/.test(stderr)) {
    const todo = `put "${host.login} ALL=(ALL) NOPASSWD: ALL" into a file in /etc/sudoers.d on the host`;
    return { kind: "refused", problem: say("E_SUDO", "sudo without a password", todo) };
  }
  // One host that misbehaves keeps nobody else from being done.
  return {
    kind: "unreachable",
    problem: say("E_PROBE", "a whole report of the host", "look at the host by hand with ssh"),
  };
}

/** A host whose report is no honest one: nothing of it is believed. @param got in words. */
export function misbehaves({ name, login, address, port }: Reach, got: string): LookProblem {
  return {
    kind: "unreachable",
    problem: {
      ...{ where: name, code: "E_PROBE", subject: `${login}@${address}:${port}`, got },
      expected: "one line on each fact that was asked for, and no other",
      todo: "look at the host by hand with ssh, and find out who writes into its reports",
    },
  };
}

const agentLogin = "a login with a key of the ssh-agent";

function bringKey(login: string): string {
  return `load the login's key into the agent (ssh-add), and have it in ~${login}/.ssh/authorized_keys`;
}

function compareKey(whose: string): string {
  return `if the ${whose} was really installed anew, put its new key into the site file; if not, somebody is in between`;
}

/** The host, or whoever is in between, has written it. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1)?.trim() ?? "";
  return line.slice(0, 400).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�");
}
