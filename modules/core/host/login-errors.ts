/** Why a host that answers refuses the login, or opens no usable session. Pure. */
import type { Cause, SshExit } from "./ssh-exit.ts";
import { outputLines, lineMatching } from "./error-lines.ts";

/**
 * @param trace the same login with ssh's debug messages (LogLevel DEBUG1), when it was repeated.
 * @returns undefined when no message concerns the login.
 */
export function loginError(login: string, ended: SshExit, trace: SshExit | undefined): Cause | undefined {
  return ended.exitCode === 255 ? notIn(login, ended, trace?.stderr ?? "") : noSession(login, ended);
}

/** Whether a trace is needed: sshd closes without a message when PAM or MaxSessions refuses, and asks for a second factor silently. */
export function needsTrace({ exitCode, stderr }: SshExit): boolean {
  if (exitCode !== 255) return false;
  const denied = /Permission denied \(([^()]*)\)/.exec(stderr);
  if (denied !== null) return !(denied[1] ?? "").split(",").includes("publickey");
  return !/refused|timed out|timeout|no route|not resolve|unreachable|verification failed|has changed|Too many authentication|kex_exchange|Unable to negotiate|banner exchange/i.test(
    stderr,
  );
}

/** ssh itself failed. */
function notIn(login: string, { stderr }: SshExit, trace: string): Cause | undefined {
  const tooMany = lineMatching(stderr, /Too many authentication failures/);
  if (tooMany !== undefined)
    return {
      code: "E_LOGIN_KEYS",
      found: tooMany,
      expected: "the right key among the first that the ssh-agent offers (sshd allows six: MaxAuthTries)",
      fix: `load only the key of ${login} into a separate agent: eval "$(ssh-agent)", then ssh-add <key file>; ssh-add -l lists the offered keys`,
    };
  const unmatched = lineMatching(
    stderr,
    /Unable to negotiate|no matching (host key|key exchange|cipher|mac)/i,
  );
  if (unmatched !== undefined)
    return {
      code: "E_LOGIN_ALGORITHM",
      found: unmatched,
      expected: "a host key type, a key exchange and a cipher that ssh and sshd both support",
      fix: "pin a key that the host has (ssh-keygen -A creates an ed25519 key there), and allow one of the offered algorithms in its sshd_config (sshd -T prints the effective settings)",
    };
  const denied = lineMatching(stderr, /Permission denied \(/);
  if (denied !== undefined)
    return /with partial success/.test(trace)
      ? {
          code: "E_LOGIN_FACTOR",
          found: `key accepted, then: ${denied}`,
          expected: "a login with the key alone",
          fix: `exempt ${login} from the second factor: put "Match User ${login}" with "AuthenticationMethods publickey" into sshd_config on the host, then run systemctl reload ssh`,
        }
      : {
          code: "E_LOGIN",
          found: denied,
          expected: "a login with a key from the ssh-agent",
          fix: `${addKeyAdvice(login)}; if that is the case, look for the reason in the log of sshd (journalctl -u ssh): AllowUsers, AllowGroups, PermitRootLogin, or a home that others can write to`,
        };
  const key = trace.indexOf("Server accepts key");
  const line = trace.indexOf("\n", key);
  if (key < 0 || line < 0) return undefined;
  const accepted = trace.slice(line + 1);
  const refusedSession = lineMatching(accepted, /open failed|Session open refused/);
  if (refusedSession !== undefined)
    return {
      code: "E_LOGIN_SESSIONS",
      found: refusedSession,
      expected: "an sshd that opens a session for the login",
      fix: `allow ${login} at least one session: set MaxSessions to 1 or more in sshd_config (sshd -T -C user=${login} prints the effective value), then run systemctl reload ssh`,
    };
  if (/^(debug1: )?Authenticat(ed to|ion succeeded)/m.test(accepted)) return undefined;
  return refusedAccount(login, accepted);
}

/** sshd accepted the key and PAM refused the account: pam_unix(8), pam_nologin(8), pam_access(8), pam_faillock(8). */
function refusedAccount(login: string, after: string): Cause {
  // PAM's messages arrive as a banner between those of ssh.
  const words = outputLines(after)
    .filter((line) => !/^(debug\d: |Connection |Disconnected |Received |Authenticat)/.test(line))
    .join(" ")
    .slice(0, 400);
  const found = `key accepted, then: ${words.trim() || "connection closed without a message"}`;
  if (/account (has |is )?expired/i.test(found))
    return {
      code: "E_LOGIN_EXPIRED",
      found,
      expected: "an account that has not expired",
      fix: `extend or remove the expiry date on the host: chage -E -1 ${login} (chage -l ${login} shows the current one)`,
    };
  if (/pam_nologin|booting up|going down|shut ?down|maintenance|not permitted to log in/i.test(found))
    return {
      code: "E_LOGIN_NOW",
      retryable: true,
      found,
      expected: "a host that allows logins",
      fix: "wait until the host has booted or its maintenance is over; then remove /etc/nologin or /run/nologin if one is left",
    };
  return {
    code: "E_LOGIN_ACCOUNT",
    found,
    expected: "an account that PAM accepts",
    fix: `find out which PAM module refuses ${login} (journalctl -u ssh on the host): check /etc/nologin, /etc/security/access.conf, faillock --user ${login}, and the rules of the directory service that the account comes from`,
  };
}

/** The login worked, but the command did not run, or did not complete. */
function noSession(login: string, { stdout, stderr, exitCode }: SshExit): Cause | undefined {
  const password = lineMatching(
    stderr,
    /password change required|required to change your password|password has expired/i,
  );
  if (password !== undefined)
    return {
      code: "E_LOGIN_PASSWORD",
      found: password,
      expected: "an account whose password does not have to be changed first",
      fix: `log in once and set a new password, or run on the host: chage -M -1 ${login} for a password that never expires; usermod -p '*' ${login} and chage -d "$(date +%F)" ${login} for an account without a password`,
    };
  const closed = lineMatching(
    `${stderr}\n${stdout}`,
    /account is (currently )?not available|: restricted$|^\S*rbash: /,
  );
  if (closed !== undefined && exitCode !== 0)
    return {
      code: "E_LOGIN_SHELL",
      found: closed,
      expected: "a login shell that can run sh",
      fix: `change the shell on the host: usermod --shell /bin/bash ${login}; or connect as another user`,
    };
  const home = lineMatching(stderr, /could not chdir to home directory|cd: can't cd to|: cd: /i);
  if (home !== undefined) return homeError(login, home);
  return undefined;
}

/** @param found as text. */
export function homeError(login: string, found: string): Cause {
  return {
    code: "E_LOGIN_HOME",
    found,
    expected: "a home that the SSH user owns and can write to, and that root can read",
    fix: `create one on a local disk of the host: install -d -m 0700 -o ${login} -g "$(id -g ${login})" <home>; if the home is on NFS with root_squash, set another one with usermod --home, or connect as another user`,
  };
}

/** @param end the machine that refuses the key. */
export function addKeyAdvice(login: string, end = "the host"): string {
  return `add the private key with ssh-add and make sure its public key is in ~${login}/.ssh/authorized_keys on ${end}`;
}
