/** Why a host that answers does not let the login in, or gives it no session that is of use. Pure. */
import type { Cause, Ended } from "./look-problem.ts";
import { saidLines, telling } from "./said.ts";

/**
 * @param trace the same login once more with ssh's own words on what it does (LogLevel DEBUG1), when it was made.
 * @returns undefined when nothing speaks of the login.
 */
export function loginProblem(login: string, ended: Ended, trace: Ended | undefined): Cause | undefined {
  return ended.exitCode === 255 ? notIn(login, ended, trace?.stderr ?? "") : noSession(login, ended);
}

/** Whether only a trace says why ssh ended: sshd closes without a word what PAM or MaxSessions refuses, and asks for a second factor in silence. */
export function needsTrace({ exitCode, stderr }: Ended): boolean {
  if (exitCode !== 255) return false;
  const denied = /Permission denied \(([^()]*)\)/.exec(stderr);
  if (denied !== null) return !(denied[1] ?? "").split(",").includes("publickey");
  return !/refused|timed out|timeout|no route|not resolve|unreachable|verification failed|has changed|Too many authentication|kex_exchange|Unable to negotiate|banner exchange/i.test(
    stderr,
  );
}

/** ssh itself has given up. */
function notIn(login: string, { stderr }: Ended, trace: string): Cause | undefined {
  const tooMany = telling(stderr, /Too many authentication failures/);
  if (tooMany !== undefined)
    return {
      code: "E_LOGIN_KEYS",
      got: tooMany,
      expected:
        "the login's key among the first that the ssh-agent offers: sshd takes six tries (MaxAuthTries)",
      todo: `load nothing but the key of ${login} into an agent of its own: eval "$(ssh-agent)", then ssh-add <its key file>; ssh-add -l lists what is offered`,
    };
  const unmatched = telling(stderr, /Unable to negotiate|no matching (host key|key exchange|cipher|mac)/i);
  if (unmatched !== undefined)
    return {
      code: "E_LOGIN_ALGORITHM",
      got: unmatched,
      expected: "a host key, a key exchange and a cipher that ssh and sshd both have",
      todo: "pin a key that the host has (ssh-keygen -A makes an ed25519 key there), and allow one of what is offered in its sshd_config (sshd -T prints what is in effect)",
    };
  const denied = telling(stderr, /Permission denied \(/);
  if (denied !== undefined)
    return /with partial success/.test(trace)
      ? {
          code: "E_LOGIN_FACTOR",
          got: `the key is accepted, then: ${denied}`,
          expected: "a login by key alone",
          todo: `exempt ${login} from the second factor on the host: "Match User ${login}" with "AuthenticationMethods publickey" in sshd_config, then systemctl reload ssh`,
        }
      : {
          code: "E_LOGIN",
          got: denied,
          expected: "a login with a key of the ssh-agent",
          todo: `${bringKey(login)}; if both are so, the log of sshd on the host names the reason (journalctl -u ssh): AllowUsers, AllowGroups, PermitRootLogin, or a home that others may write into`,
        };
  const key = trace.indexOf("Server accepts key");
  const line = trace.indexOf("\n", key);
  if (key < 0 || line < 0) return undefined;
  const accepted = trace.slice(line + 1);
  const refusedSession = telling(accepted, /open failed|Session open refused/);
  if (refusedSession !== undefined)
    return {
      code: "E_LOGIN_SESSIONS",
      got: refusedSession,
      expected: "an sshd that opens a session",
      todo: `allow ${login} at least one session: MaxSessions 1 or more in sshd_config (sshd -T -C user=${login} prints what is in effect), then systemctl reload ssh`,
    };
  if (/^(debug1: )?Authenticat(ed to|ion succeeded)/m.test(accepted)) return undefined;
  return refusedAccount(login, accepted);
}

/** sshd has taken the key, and PAM has refused the account: pam_unix(8), pam_nologin(8), pam_access(8), pam_faillock(8). */
function refusedAccount(login: string, after: string): Cause {
  // PAM's words come as a banner between ssh's own.
  const words = saidLines(after)
    .filter((line) => !/^(debug\d: |Connection |Disconnected |Received |Authenticat)/.test(line))
    .join(" ")
    .slice(0, 400);
  const got = `the key is accepted, then: ${words.trim() || "the connection is closed without a word"}`;
  if (/account (has |is )?expired/i.test(got))
    return {
      code: "E_LOGIN_EXPIRED",
      got,
      expected: "an account that has not ended",
      todo: `give it another end or none on the host: chage -E -1 ${login} (chage -l ${login} shows the present one)`,
    };
  if (/pam_nologin|booting up|going down|shut ?down|maintenance|not permitted to log in/i.test(got))
    return {
      code: "E_LOGIN_NOW",
      later: true,
      got,
      expected: "a host that lets people in",
      todo: "wait until its boot or maintenance is over; if it is, remove /etc/nologin or /run/nologin on the host",
    };
  return {
    code: "E_LOGIN_ACCOUNT",
    got,
    expected: "an account that PAM lets in",
    todo: `see on the host which module refuses ${login} (journalctl -u ssh): /etc/nologin, /etc/security/access.conf, faillock --user ${login}, or the rules of the directory that the account comes from`,
  };
}

/** The login is in, and what was to run there did not, or not to its end. */
function noSession(login: string, { stdout, stderr, exitCode }: Ended): Cause | undefined {
  const password = telling(
    stderr,
    /password change required|required to change your password|password has expired/i,
  );
  if (password !== undefined)
    return {
      code: "E_LOGIN_PASSWORD",
      got: password,
      expected: "an account whose password need not be changed first",
      todo: `log in once and set a new one, or on the host: chage -M -1 ${login} for a password that does not age, usermod -p '*' ${login} and chage -d "$(date +%F)" ${login} for an account without one`,
    };
  const closed = telling(
    `${stderr}\n${stdout}`,
    /account is (currently )?not available|: restricted$|^\S*rbash: /,
  );
  if (closed !== undefined && exitCode !== 0)
    return {
      code: "E_LOGIN_SHELL",
      got: closed,
      expected: "a login shell that runs sh",
      todo: `give ${login} one on the host: usermod --shell /bin/bash ${login}, or take another login`,
    };
  const home = telling(stderr, /could not chdir to home directory|cd: can't cd to|: cd: /i);
  if (home !== undefined) return homeProblem(login, home);
  return undefined;
}

/** @param got in words. */
export function homeProblem(login: string, got: string): Cause {
  return {
    code: "E_LOGIN_HOME",
    got,
    expected: "a home that belongs to the login, that it may write into, and that root may read",
    todo: `make one on the host's own disk: install -d -m 0700 -o ${login} -g "$(id -g ${login})" <its home>; for a home on NFS with root_squash take another one with usermod --home, or another login`,
  };
}

export function bringKey(login: string): string {
  return `load the login's key into the agent (ssh-add), and have it in ~${login}/.ssh/authorized_keys`;
}
