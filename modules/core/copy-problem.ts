/** Why a file that is copied to a host by sftp does not arrive where the login and root can read it. Pure. */
import { homeProblem } from "./login-problem.ts";
import type { Cause, Ended } from "./look-problem.ts";
import { lastLine, saidLines, telling } from "./said.ts";

/** How a trial copy went. */
export interface Trial {
  /** What sftp(1) said of the copy. */
  readonly copied: Ended;
  /** What came of reading it back as root; undefined when nothing was copied. */
  readonly read: Ended | undefined;
}

/**
 * @param text what the file holds. @param greeting what the login's shell printed before it did what it was asked for.
 * @returns undefined when all went well.
 */
export function copyProblem(
  login: string,
  { copied, read }: Trial,
  text: string,
  greeting: string,
): Cause | undefined {
  if (copied.exitCode !== 0) return notCopied(login, copied, greeting);
  if (read === undefined || saidLines(read.stdout).includes(`root reads ${text}`)) return undefined;
  const got = lastLine(read.stderr) || lastLine(read.stdout) || `exit code ${String(read.exitCode)}`;
  if (/no such file/i.test(got))
    return {
      code: "E_SFTP",
      got: `sftp has written the file, and in the login's home there is none: ${got}`,
      expected: "an sftp that begins in the login's home",
      todo: `take ChrootDirectory and "internal-sftp -d" away from ${login} in sshd_config, then systemctl reload ssh`,
    };
  return homeProblem(login, `root cannot read what ${login} has written there: ${got}`);
}

function notCopied(login: string, { stderr, stdout, exitCode }: Ended, greeting: string): Cause {
  const got = lastLine(stderr) || lastLine(stdout) || `exit code ${String(exitCode)}`;
  const none = telling(stderr, /subsystem request failed/);
  if (none !== undefined) return noSftp(none);
  // sftp has taken the first four bytes of a text for the length of a message.
  const [, length] = /Received message too long (\d+)/.exec(stderr) ?? [];
  if (length !== undefined)
    return {
      code: "E_LOGIN_OUTPUT",
      got: lastLine(greeting) || `a text that begins with ${letters(Number(length))}`,
      expected: "a login shell that prints nothing when sftp or a program logs in",
      todo: `have the start-up files of ${login}'s shell (~/.bashrc, ~/.zshenv, ~/.cshrc) print only on a terminal, or set "Subsystem sftp internal-sftp" in sshd_config, which starts no shell`,
    };
  const named = telling(stderr, /permission denied|no such file|failure|quota|no space|read-only/i);
  if (named !== undefined) return homeProblem(login, named);
  // What a shell says that does not start the server, sshd keeps to itself.
  return {
    code: "E_SFTP",
    got: `sftp ended before it began: ${got}`,
    expected: "an sftp-server that the login's shell starts",
    todo: `set "Subsystem sftp internal-sftp" in sshd_config on the host, which starts no shell, then systemctl reload ssh; or give ${login} a shell that is not restricted (rbash), whose start-up files do not end it: usermod --shell /bin/bash ${login}`,
  };
}

function noSftp(got: string): Cause {
  return {
    code: "E_SFTP",
    got,
    expected: "an sshd that offers sftp, by which files are copied",
    todo: 'set "Subsystem sftp internal-sftp" in sshd_config on the host, then systemctl reload ssh',
  };
}

function letters(length: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length >>> 0);
  return JSON.stringify(bytes.toString("latin1").replaceAll(/[^ -~]/g, "?"));
}
