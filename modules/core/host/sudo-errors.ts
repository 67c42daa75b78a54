/** Why the SSH user cannot become root on a host, from the messages of sudo (sudo 1.8.31 to 1.9.17, sudo-rs 0.2). Pure. */
import type { ErrorCode } from "../errors.ts";
import type { Cause, SshExit } from "./ssh-exit.ts";
import { lastLine, outputLines, lineMatching } from "./error-lines.ts";

interface Word {
  readonly of: RegExp;
  readonly code: ErrorCode;
  readonly expected: string;
  readonly fix: (login: string) => string;
}

/** The first match decides: a file that sudo cannot read causes the password prompt that follows it. */
const words: readonly Word[] = [
  {
    of: /sudo: (command )?not found|sudo: No such file/,
    code: "E_SUDO_MISSING",
    expected: "sudo on the host, unless the SSH user is root",
    fix: (login) =>
      `install the package sudo on the host and allow ${login} to use it without a password, or connect as root`,
  },
  {
    of: /must have a tty/,
    code: "E_SUDO_TTY",
    expected: "sudo that needs no terminal",
    fix: (login) => `add "Defaults:${login} !requiretty" with visudo on the host`,
  },
  {
    of: /setuid bit|effective uid is not 0|nosuid|no new privileges/i,
    code: "E_SUDO_SETUID",
    expected: "a sudo that can become root",
    fix: () =>
      "make /usr/bin/sudo owned by root with mode 4755 on a file system without nosuid, and run sshd without NoNewPrivileges",
  },
  {
    of: /world writable|group writable|is owned by|should be mode|bad permissions|can be written|invalid mode|syntax error|parse error|unable to (open|read) \/etc\/sudoers|no valid sudoers|error initializing audit plugin/,
    code: "E_SUDO_FILE",
    expected: "sudoers files that sudo accepts",
    fix: () => "run visudo -c on the host, which names the file, then chown root:root and chmod 0440 it",
  },
  {
    of: /account validation failure|account management error|account expired|account or password is expired|account is locked|password expired/i,
    code: "E_SUDO_ACCOUNT",
    expected: "an account that PAM allows to use sudo",
    fix: (login) => `check chage -l ${login}, passwd -S ${login} and /etc/pam.d/sudo on the host`,
  },
  {
    of: /is not allowed to (execute|run)(?! sudo)|not allowed to set|may not run this/,
    code: "E_SUDO_COMMAND",
    expected: "a sudo rule that allows every command as root",
    fix: putRule,
  },
  {
    of: /sudo|incident has been reported/,
    code: "E_SUDO",
    expected: "sudo without a password",
    fix: putRule,
  },
];

/**
 * @param rules what `sudo -n -l` printed for the SSH user, when it was run.
 * @returns undefined when no message comes from sudo.
 */
export function sudoError(login: string, ended: SshExit, rules: SshExit | undefined): Cause | undefined {
  const { exitCode, stdout, stderr } = ended;
  const other = lineMatching(stdout, /^E_SUDO_ROOT uid \d+$/);
  if (other !== undefined)
    return {
      code: "E_SUDO_ROOT",
      found: `sudo runs as ${other.slice("E_SUDO_ROOT ".length)}`,
      expected: "sudo that runs as root (uid 0)",
      fix: `set "Defaults:${login} runas_default=root" in a sudoers file that is read last`,
    };
  const lines = outputLines(stderr);
  const denied = lineMatching(stderr, /: Permission denied$/);
  if (exitCode === 126 && denied !== undefined && !lines.some((line) => line.startsWith("sudo:")))
    return {
      code: "E_SUDO_EXEC",
      found: denied,
      expected: "a root shell that can run programs",
      fix: `add "Defaults:${login} !noexec" with visudo on the host, and remove NOEXEC: from the rule of ${login}`,
    };
  const word = words.find(({ of }) => lines.some((line) => of.test(line)));
  if (word === undefined) return undefined;
  const { code, expected, fix, of } = word;
  const line = lines.findLast((one) => of.test(one)) ?? lastLine(stderr);
  if (code !== "E_SUDO") return { code, found: line, expected, fix: fix(login) };
  return ruled(login, line, rules) ?? { code, found: line, expected, fix: fix(login) };
}

/** Whether the list of sudo rules is needed to explain why sudo asks for a password. */
export function needsRules(login: string, ended: SshExit): boolean {
  return login !== "root" && ended.exitCode !== 255 && sudoError(login, ended, undefined)?.code === "E_SUDO";
}

/** A rule without a password exists, but a later one overrides it. */
function ruled(login: string, command: string, rules: SshExit | undefined): Cause | undefined {
  if (rules?.exitCode !== 0) return undefined;
  const listed = rules.stdout.split("\n").flatMap((line) => /^ {4}(\(.*)$/.exec(line)?.[1] ?? []);
  const last = lastLine(listed.at(-1) ?? "");
  if (listed.some((rule) => /NOPASSWD: ALL$/.test(rule.trim())) && !/NOPASSWD: ALL$/.test(last))
    return {
      code: "E_SUDO_ORDER",
      found: `${command}; the last rule is ${last}`,
      expected: "a NOPASSWD rule as the last one that matches",
      fix: `put "${login} ALL=(ALL) NOPASSWD: ALL" into a file that is read last, such as /etc/sudoers.d/zzz-${login}, or remove the later rule; sudo -l -U ${login} lists the rules in order`,
    };
  if (listed.length === 0) return undefined;
  return {
    code: "E_SUDO_COMMAND",
    found: `${command}; the last rule is ${last}`,
    expected: "a sudo rule that allows every command as root",
    fix: putRule(login),
  };
}

function putRule(login: string): string {
  return `put "${login} ALL=(ALL) NOPASSWD: ALL" into a file of mode 0440 in /etc/sudoers.d on the host, with a name that sorts last`;
}
