/** Why a probe of a host failed, from the messages of ssh. Pure. */
import { createHash } from "node:crypto";
import { endpoint } from "../endpoint.ts";
import type { ErrorCode, Problem } from "../errors.ts";
import { addKeyAdvice, loginError, needsTrace } from "./login-errors.ts";
import { lastLine, lineMatching } from "./error-lines.ts";
import type { Reach } from "./ssh-arguments.ts";
import type { Cause, SshExit } from "./ssh-exit.ts";
import { needsRules, sudoError } from "./sudo-errors.ts";

/** unreachable: a later run may succeed. refused: somebody has to fix it first. */
export interface SshError {
  readonly kind: "unreachable" | "refused";
  readonly problem: Problem;
}

/** A second question to the same host: ssh's debug messages of the login, or the list of sudo rules. */
export type Question = "trace" | "rules";

/** The second question that may explain a failed probe; undefined when there is none. */
export function openQuestion(host: Reach, ended: SshExit): Question | undefined {
  if (jumpProblem(host, ended) !== undefined || failed(ended.jumpLog) || isRateLimited(ended))
    return undefined;
  if (needsTrace(ended)) return "trace";
  return needsRules(host.sshUser, ended) ? "rules" : undefined;
}

const wrongKey = /host key verification failed|identification has changed/i;
const noLogin = /permission denied \(/i;

/** @param answer to {@link openQuestion}. */
export function sshError(host: Reach, ended: SshExit, answer?: SshExit): SshError {
  return jumpProblem(host, ended) ?? hostProblem(host, ended, answer);
}

/** A cause as a problem of this host. */
export function causeOf(host: Reach, { retryable, found, ...cause }: Cause): SshError {
  const problem = { where: host.name, subject: subjectOf(host), found: JSON.stringify(found), ...cause };
  return { kind: retryable === true ? "unreachable" : "refused", problem };
}

function subjectOf({ sshUser, address, port, jumpHost }: Reach): string {
  const throughJump = jumpHost === undefined ? "" : ` through ${endpoint(jumpHost.address, jumpHost.port)}`;
  return `${sshUser}@${endpoint(address, port)}${throughJump}`;
}

/**
 * Whether sshd closed the connection before its banner, as it does when too many logins are pending (sshd_config(5), MaxStartups and
 * PerSourcePenalties). Worth another try.
 */
export function isRateLimited({ exitCode, stderr, jumpLog }: SshExit): boolean {
  const output = failed(jumpLog) ? jumpLog : stderr;
  if (exitCode !== 255 || wrongKey.test(output) || noLogin.test(output)) return false;
  return /kex_exchange_identification|banner exchange|exceeded maxstartups|not allowed at this time/i.test(
    output,
  );
}

/** The log of a jump that worked contains at most the message of its end. */
function failed(jumpLog: string): boolean {
  return /kex_exchange|failed|denied|changed|refused|timed out|no route|not resolve|closed|reset|unreachable|prohibited/i.test(
    jumpLog,
  );
}

/** Undefined when the jump host let the connection through. */
function jumpProblem(
  { name, jumpHost }: Reach,
  { exitCode, stderr, jumpLog }: SshExit,
): SshError | undefined {
  if (jumpHost === undefined || exitCode !== 255 || !failed(jumpLog)) return undefined;
  // The host itself has answered, so the jump host forwards.
  if (wrongKey.test(stderr) || noLogin.test(stderr)) return undefined;
  const jumpProblem = (code: ErrorCode, expected: string, fix: string): Problem => ({
    where: name,
    code,
    subject: `jump ${jumpHost.sshUser}@${endpoint(jumpHost.address, jumpHost.port)}`,
    found: JSON.stringify(lastLine(jumpLog)),
    expected,
    fix,
  });
  if (wrongKey.test(jumpLog)) {
    const expected = `the jump host's key from the site file, ${fingerprint(jumpHost.hostKey)}`;
    const problem = jumpProblem("E_JUMP_HOST_KEY", expected, compareKey("jump host"));
    return { kind: "refused", problem: { ...problem, found: shownKey(jumpLog) ?? problem.found } };
  }
  if (noLogin.test(jumpLog)) {
    return {
      kind: "refused",
      problem: jumpProblem("E_JUMP_HOST_LOGIN", agentLogin, addKeyAdvice(jumpHost.sshUser, "the jump host")),
    };
  }
  if (/administratively prohibited/i.test(jumpLog)) {
    const fix =
      "set AllowTcpForwarding local in the jump host's sshd_config, and allow the host in PermitOpen if that is set";
    return {
      kind: "refused",
      problem: jumpProblem("E_JUMP_HOST_FORWARD", "a jump host that forwards connections", fix),
    };
  }
  // The login on the jump host worked; the host behind it does not answer.
  if (/open failed|stdio forwarding failed/i.test(jumpLog)) return undefined;
  const fix = "make sure that the jump host runs and that its sshd is reachable from here";
  return {
    kind: "unreachable",
    problem: jumpProblem("E_JUMP_HOST_UNREACHABLE", "an answer from the jump host's sshd", fix),
  };
}

function hostProblem(host: Reach, ended: SshExit, answer: SshExit | undefined): SshError {
  const { exitCode, stdout, stderr, jumpLog } = ended;
  // The outer ssh only repeats that the connection of the jump ended.
  const words = failed(jumpLog) ? [jumpLog, stderr, stdout] : [stderr, stdout];
  const found = words.map(lastLine).find((line) => line !== "") ?? `exit code ${String(exitCode)}`;
  if (wrongKey.test(stderr)) {
    const expected = `the host key from the site file, ${fingerprint(host.hostKey)}`;
    return causeOf(host, {
      ...{ code: "E_HOST_KEY", found: shownKey(stderr) ?? found, expected },
      fix: compareKey("host"),
    });
  }
  const known =
    loginError(host.sshUser, ended, answer) ??
    (exitCode === 255 || exitCode === null ? undefined : afterLogin(host, ended, answer));
  if (known !== undefined) return causeOf(host, known);
  const retryable = true;
  if (exitCode === 255 || exitCode === null) {
    const from = host.jumpHost === undefined ? "here" : "the jump host";
    const fix = `make sure that the host runs and that its sshd is reachable from ${from}`;
    return causeOf(host, {
      code: "E_HOST_UNREACHABLE",
      retryable,
      found,
      expected: "an answer from sshd",
      fix,
    });
  }
  // One host that misbehaves must not block the others.
  return causeOf(host, {
    ...{ code: "E_PROBE", retryable, found, expected: "a complete report from the host" },
    fix: /^in$/m.test(stdout)
      ? "log in with ssh and inspect the host manually"
      : `run ssh ${host.sshUser}@${host.address} true manually: a start-up file of its shell, ForceCommand in sshd_config or command= in authorized_keys ends the session before the probe starts`,
  });
}

/** Why a session gave no report. */
function afterLogin({ sshUser }: Reach, ended: SshExit, answer: SshExit | undefined): Cause | undefined {
  const unnamed = lineMatching(ended.stdout, /^done(?! [0-9a-f]{8} \d+$)/);
  if (unnamed !== undefined && /^in$/m.test(ended.stdout))
    return {
      code: "E_MACHINE_ID",
      found: `/etc/machine-id holds ${unnamed.split(" ").length === 3 ? (unnamed.split(" ")[1] ?? "") : "nothing"}`,
      expected: "32 hexadecimal digits",
      fix: "run rm -f /etc/machine-id && systemd-machine-id-setup on the host, then reboot it; golden images have no machine id",
    };
  return sudoError(sshUser, ended, answer);
}

/** A host whose report is not trusted: all of it is discarded. @param found as text. */
export function untrustedReport({ name, sshUser, address, port }: Reach, found: string): SshError {
  return {
    kind: "unreachable",
    problem: {
      ...{ where: name, code: "E_PROBE", subject: `${sshUser}@${endpoint(address, port)}`, found },
      expected: "one line for each requested fact, and no others",
      fix: "inspect the host manually with ssh, and find out what writes into its reports",
    },
  };
}

const agentLogin = "a login with a key of the ssh-agent";

function compareKey(whose: string): string {
  return `if the ${whose} was reinstalled, verify its key on its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and update hostKey; otherwise treat this as a possible man-in-the-middle attack`;
}

/** As ssh-keygen -l prints a public key on the console. */
function fingerprint(key: string): string {
  const blob = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

/** ssh prints the fingerprint only when the pinned key has the same type as the offered one. */
function shownKey(output: string): string | undefined {
  const [found] = /SHA256:[A-Za-z0-9+/]{43}/.exec(output) ?? [];
  return found === undefined ? undefined : `key ${found}`;
}
