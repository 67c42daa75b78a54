/** Why a look at a host did not come about, out of what ssh said. Pure. */
import { createHash } from "node:crypto";
import type { ErrorCode, Problem } from "./errors.ts";
import { bringKey, loginProblem, needsTrace } from "./login-problem.ts";
import { lastLine, telling } from "./said.ts";
import type { Reach } from "./ssh-arguments.ts";
import { needsRules, sudoProblem } from "./sudo-problem.ts";

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

/** Why, in the words of a problem; `later` when nobody has to do anything about it. */
export interface Cause extends Pick<Problem, "code" | "got" | "expected" | "todo"> {
  readonly later?: true;
}

/** What is worth asking the same host once more: ssh's own words on its way in, or the rules that sudo has. */
export type Question = "trace" | "rules";

/** What a look did not say and a second question may; undefined when there is nothing left to ask. */
export function openQuestion(host: Reach, ended: Ended): Question | undefined {
  if (jumpProblem(host, ended) !== undefined || failed(ended.jumpLog) || turnedAway(ended)) return undefined;
  if (needsTrace(ended)) return "trace";
  return needsRules(host.login, ended) ? "rules" : undefined;
}

const wrongKey = /host key verification failed|identification has changed/i;
const noLogin = /permission denied \(/i;

/** @param answer to {@link openQuestion}. */
export function lookProblem(host: Reach, ended: Ended, answer?: Ended): LookProblem {
  return jumpProblem(host, ended) ?? hostProblem(host, ended, answer);
}

/** A cause as a problem of this host. */
export function causeOf(host: Reach, { later, got, ...cause }: Cause): LookProblem {
  const problem = { where: host.name, subject: subjectOf(host), got: JSON.stringify(got), ...cause };
  return { kind: later === true ? "unreachable" : "refused", problem };
}

function subjectOf({ login, address, port, jump }: Reach): string {
  const way = jump === undefined ? "" : ` through ${jump.address}:${jump.port}`;
  return `${login}@${address}:${port}${way}`;
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
    const expected = `the jump host's key of the site file, ${fingerprint(jump.hostKey)}`;
    const problem = say("E_JUMP_KEY", expected, compareKey("jump host"));
    return { kind: "refused", problem: { ...problem, got: shownKey(jumpLog) ?? problem.got } };
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

function hostProblem(host: Reach, ended: Ended, answer: Ended | undefined): LookProblem {
  const { exitCode, stdout, stderr, jumpLog } = ended;
  // What the outer ssh says when its way ends is an echo of the jump's own word.
  const words = failed(jumpLog) ? [jumpLog, stderr, stdout] : [stderr, stdout];
  const got = words.map(lastLine).find((line) => line !== "") ?? `exit code ${String(exitCode)}`;
  if (wrongKey.test(stderr)) {
    const expected = `the host key of the site file, ${fingerprint(host.hostKey)}`;
    return causeOf(host, {
      ...{ code: "E_HOST_KEY", got: shownKey(stderr) ?? got, expected },
      todo: compareKey("host"),
    });
  }
  const known =
    loginProblem(host.login, ended, answer) ??
    (exitCode === 255 || exitCode === null ? undefined : afterLogin(host, ended, answer));
  if (known !== undefined) return causeOf(host, known);
  const later = true;
  if (exitCode === 255 || exitCode === null) {
    const from = host.jump === undefined ? "here" : "the jump host";
    const todo = `see that the host runs and that its sshd can be reached from ${from}`;
    return causeOf(host, { code: "E_HOST_UNREACHABLE", later, got, expected: "an answer from sshd", todo });
  }
  // One host that misbehaves keeps nobody else from being done.
  return causeOf(host, {
    ...{ code: "E_PROBE", later, got, expected: "a whole report of the host" },
    todo: /^in$/m.test(stdout)
      ? "look at the host by hand with ssh"
      : `run ssh ${host.login}@${host.address} true by hand: a start-up file of its shell, ForceCommand in sshd_config or command= in authorized_keys ends the session before it begins`,
  });
}

/** What stands between a session and a report. */
function afterLogin({ login }: Reach, ended: Ended, answer: Ended | undefined): Cause | undefined {
  const unnamed = telling(ended.stdout, /^done(?! [0-9a-f]{8} \d+$)/);
  if (unnamed !== undefined && /^in$/m.test(ended.stdout))
    return {
      code: "E_MACHINE_ID",
      got: `/etc/machine-id holds ${unnamed.split(" ").length === 3 ? (unnamed.split(" ")[1] ?? "") : "nothing"}`,
      expected: "the 32 hexadecimal digits of a machine that has been set up",
      todo: "run rm -f /etc/machine-id && systemd-machine-id-setup on the host, then start it again: golden images are shipped without one",
    };
  return sudoProblem(login, ended, answer);
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

function compareKey(whose: string): string {
  return `compare both with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the ${whose}'s console: if it was installed again, put its new key into the site file, and if not, somebody is in between`;
}

/** As ssh-keygen -l shows a public key: what a person compares with the console. */
function fingerprint(key: string): string {
  const blob = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

/** ssh names the key that it was shown when the site's is of the same kind; of another kind it says so in words. */
function shownKey(said: string): string | undefined {
  const [found] = /SHA256:[A-Za-z0-9+/]{43}/.exec(said) ?? [];
  return found === undefined ? undefined : `the key ${found}`;
}
