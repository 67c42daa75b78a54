/** Why a file that is copied to a host by sftp does not arrive, or cannot be read by the SSH user and root. Pure. */
import { homeError } from "./login-errors.ts";
import type { Cause, SshExit } from "./ssh-exit.ts";
import { lastLine, outputLines, lineMatching } from "./error-lines.ts";

/** The result of a trial copy. */
export interface TrialCopy {
  /** Exit of sftp(1). */
  readonly copied: SshExit;
  /** Exit of reading it back as root; undefined when nothing was copied. */
  readonly read: SshExit | undefined;
}

/**
 * @param text content of the file. @param greeting what the user's shell printed before it ran the command.
 * @returns undefined when the copy arrived.
 */
export function copyError(
  login: string,
  { copied, read }: TrialCopy,
  text: string,
  greeting: string,
): Cause | undefined {
  if (copied.exitCode !== 0) return notCopied(login, copied, greeting);
  if (read === undefined || outputLines(read.stdout).includes(`root reads ${text}`)) return undefined;
  const found = lastLine(read.stderr) || lastLine(read.stdout) || `exit code ${String(read.exitCode)}`;
  if (/no such file/i.test(found))
    return {
      code: "E_SFTP",
      found: `sftp wrote the file, but it is not in the user's home: ${found}`,
      expected: "an sftp session that starts in the user's home",
      fix: `remove ChrootDirectory and "internal-sftp -d" for ${login} from sshd_config on the host, then run systemctl reload ssh`,
    };
  return homeError(login, `root cannot read a file that ${login} wrote there: ${found}`);
}

function notCopied(login: string, { stderr, stdout, exitCode }: SshExit, greeting: string): Cause {
  const found = lastLine(stderr) || lastLine(stdout) || `exit code ${String(exitCode)}`;
  const none = lineMatching(stderr, /subsystem request failed/);
  if (none !== undefined) return noSftp(none);
  // sftp interpreted the first four bytes of the text as the length of a message.
  const [, length] = /Received message too long (\d+)/.exec(stderr) ?? [];
  if (length !== undefined)
    return {
      code: "E_LOGIN_OUTPUT",
      found: lastLine(greeting) || `output that begins with ${letters(Number(length))}`,
      expected: "a login shell that prints nothing in a session without a terminal",
      fix: `make the start-up files of ${login}'s shell (~/.bashrc, ~/.zshenv, ~/.cshrc) print only on a terminal, or set "Subsystem sftp internal-sftp" in sshd_config, which starts no shell`,
    };
  const named = lineMatching(stderr, /permission denied|no such file|failure|quota|no space|read-only/i);
  if (named !== undefined) return homeError(login, named);
  // sshd does not forward the output of a shell that fails to start the server.
  return {
    code: "E_SFTP",
    found: `sftp ended before it started: ${found}`,
    expected: "an sftp-server that the user's shell can start",
    fix: `set "Subsystem sftp internal-sftp", which starts no shell, in sshd_config on the host, then run systemctl reload ssh; or give ${login} an unrestricted shell (not rbash) whose start-up files do not exit: usermod --shell /bin/bash ${login}`,
  };
}

function noSftp(found: string): Cause {
  return {
    code: "E_SFTP",
    found,
    expected: "an sshd that offers sftp, which copies files to the host",
    fix: 'set "Subsystem sftp internal-sftp" in sshd_config on the host, then run systemctl reload ssh',
  };
}

function letters(length: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length >>> 0);
  return JSON.stringify(bytes.toString("latin1").replaceAll(/[^ -~]/g, "?"));
}
