/** Why the login does not become root on a host, out of sudo's words (sudo 1.8.31 to 1.9.17, sudo-rs 0.2). Pure. */
import type { ErrorCode } from "./errors.ts";
import type { Cause, Ended } from "./look-problem.ts";
import { lastLine, saidLines, telling } from "./said.ts";

interface Word {
  readonly of: RegExp;
  readonly code: ErrorCode;
  readonly expected: string;
  readonly todo: (login: string) => string;
}

/** The first that fits counts: a file that sudo does not read leads to the question for a password that comes after it. */
const words: readonly Word[] = [
  {
    of: /sudo: (command )?not found|sudo: No such file/,
    code: "E_SUDO_MISSING",
    expected: "sudo on the host, unless the login is root",
    todo: (login) =>
      `install the package sudo there and let ${login} use it without a password, or take the login root`,
  },
  {
    of: /must have a tty/,
    code: "E_SUDO_TTY",
    expected: "sudo without a terminal",
    todo: (login) => `add "Defaults:${login} !requiretty" with visudo on the host`,
  },
  {
    of: /setuid bit|effective uid is not 0|nosuid|no new privileges/i,
    code: "E_SUDO_SETUID",
    expected: "a sudo that may become root",
    todo: () =>
      "have /usr/bin/sudo owned by root with mode 4755 on a file system without nosuid, and sshd run without NoNewPrivileges",
  },
  {
    of: /world writable|group writable|is owned by|should be mode|bad permissions|can be written|invalid mode|syntax error|parse error|unable to (open|read) \/etc\/sudoers|no valid sudoers|error initializing audit plugin/,
    code: "E_SUDO_FILE",
    expected: "sudoers files that sudo reads",
    todo: () => "run visudo -c on the host, which names the file, and give it chown root:root and chmod 0440",
  },
  {
    of: /account validation failure|account management error|account expired|account or password is expired|account is locked|password expired/i,
    code: "E_SUDO_ACCOUNT",
    expected: "an account that PAM lets use sudo",
    todo: (login) => `see chage -l ${login}, passwd -S ${login} and /etc/pam.d/sudo on the host`,
  },
  {
    of: /is not allowed to (execute|run)(?! sudo)|not allowed to set|may not run this/,
    code: "E_SUDO_COMMAND",
    expected: "a rule that allows every command as root",
    todo: putRule,
  },
  {
    of: /sudo|incident has been reported/,
    code: "E_SUDO",
    expected: "sudo without a password",
    todo: putRule,
  },
];

/**
 * @param rules what `sudo -n -l` printed as the login, when it was asked.
 * @returns undefined when nothing speaks of sudo.
 */
export function sudoProblem(login: string, ended: Ended, rules: Ended | undefined): Cause | undefined {
  const { exitCode, stdout, stderr } = ended;
  const other = telling(stdout, /^E_SUDO_ROOT uid \d+$/);
  if (other !== undefined)
    return {
      code: "E_SUDO_ROOT",
      got: `sudo runs as ${other.slice("E_SUDO_ROOT ".length)}`,
      expected: "sudo that runs as root (uid 0)",
      todo: `take runas_default out of sudoers for ${login}, as with "Defaults:${login} runas_default=root" in a file that is read last`,
    };
  const lines = saidLines(stderr);
  const denied = telling(stderr, /: Permission denied$/);
  if (exitCode === 126 && denied !== undefined && !lines.some((line) => line.startsWith("sudo:")))
    return {
      code: "E_SUDO_EXEC",
      got: denied,
      expected: "a root shell that may run programs",
      todo: `exempt ${login} on the host: "Defaults:${login} !noexec" with visudo, and no NOEXEC: in its rule`,
    };
  const word = words.find(({ of }) => lines.some((line) => of.test(line)));
  if (word === undefined) return undefined;
  const { code, expected, todo, of } = word;
  const line = lines.findLast((one) => of.test(one)) ?? lastLine(stderr);
  if (code !== "E_SUDO") return { code, got: line, expected, todo: todo(login) };
  return ruled(login, line, rules) ?? { code, got: line, expected, todo: todo(login) };
}

/** Whether only the list of rules says why sudo asks for a password. */
export function needsRules(login: string, ended: Ended): boolean {
  return (
    login !== "root" && ended.exitCode !== 255 && sudoProblem(login, ended, undefined)?.code === "E_SUDO"
  );
}

/** There is a rule without a password, and it is not the one that counts. */
function ruled(login: string, asked: string, rules: Ended | undefined): Cause | undefined {
  if (rules?.exitCode !== 0) return undefined;
  const listed = rules.stdout.split("\n").flatMap((line) => /^ {4}(\(.*)$/.exec(line)?.[1] ?? []);
  const last = lastLine(listed.at(-1) ?? "");
  if (listed.some((rule) => /NOPASSWD: ALL$/.test(rule.trim())) && !/NOPASSWD: ALL$/.test(last))
    return {
      code: "E_SUDO_ORDER",
      got: `${asked}; the last rule is ${last}`,
      expected: "a rule without a password that is the last one that fits",
      todo: `put "${login} ALL=(ALL) NOPASSWD: ALL" into a file that is read after the others, as /etc/sudoers.d/zzz-${login}, or take the later rule out: sudo -l -U ${login} lists them in order`,
    };
  if (listed.length === 0) return undefined;
  return {
    code: "E_SUDO_COMMAND",
    got: `${asked}; the last rule is ${last}`,
    expected: "a rule that allows every command as root",
    todo: putRule(login),
  };
}

function putRule(login: string): string {
  return `put "${login} ALL=(ALL) NOPASSWD: ALL" into a file in /etc/sudoers.d on the host, mode 0440, named so that it is read last`;
}
