/**
 * Why a host rejects the login, does not make it root, or accepts no copy: each cause has its own code, determined from the real output of
 * the programs.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { copyError } from "../../modules/core/host/copy-errors.ts";
import { errorCodes, formatProblem } from "../../modules/core/errors.ts";
import { hostCommand } from "../../modules/core/host/host-command.ts";
import { sshError, openQuestion } from "../../modules/core/host/ssh-errors.ts";
import type { SshExit } from "../../modules/core/host/ssh-exit.ts";
import { checkout } from "../lab/cache.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const host = { ...exampleHost(), name: "node-a", sshUser: "ops", address: "10.20.0.11", port: 22 };
const ended = (exitCode: number | null, stderr: string, stdout = ""): SshExit => ({
  exitCode,
  stdout,
  stderr,
  jumpLog: "",
});
const trace = (...lines: string[]): SshExit =>
  ended(
    255,
    [
      "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15",
      "debug1: Offering public key: ops ED25519 SHA256:x agent",
      "debug1: Server accepts key: ops ED25519 SHA256:x agent",
      ...lines,
    ].join("\r\n"),
  );
const rules = (...lines: string[]): SshExit =>
  ended(
    0,
    "",
    `User ops may run the following commands on vm:\n${lines.map((line) => `    ${line}\n`).join("")}`,
  );
const unresolved = "sudo: unable to resolve host vm: Name or service not known\n";
const password = `${unresolved}sudo: a password is required\n`;

/** [what, how ssh ended, kind and code, and the answer to the open question]. */
const probes: readonly (readonly [string, SshExit, string, SshExit?])[] = [
  [
    "nobody answers",
    ended(255, "ssh: connect to host 10.20.0.11 port 22: Connection refused"),
    "unreachable E_HOST_UNREACHABLE",
  ],
  ["AllowGroups", ended(255, "ops@10.20.0.11: Permission denied (publickey)."), "refused E_LOGIN"],
  [
    "too many keys",
    ended(
      255,
      "Received disconnect from 10.20.0.11 port 22:2: Too many authentication failures\r\nDisconnected from 10.20.0.11 port 22",
    ),
    "refused E_LOGIN_KEYS",
  ],
  [
    "a second factor",
    ended(255, "ops@10.20.0.11: Permission denied (password)."),
    "refused E_LOGIN_FACTOR",
    trace(
      'Authenticated using "publickey" with partial success.',
      "ops@10.20.0.11: Permission denied (password).",
    ),
  ],
  [
    "no keys at all",
    ended(255, "ops@10.20.0.11: Permission denied (password)."),
    "refused E_LOGIN",
    ended(
      255,
      "debug1: Authentications that can continue: password\nops@10.20.0.11: Permission denied (password).",
    ),
  ],
  [
    "an account that has ended",
    ended(255, ""),
    "refused E_LOGIN_EXPIRED",
    trace(
      "Your account has expired; please contact your system administrator.",
      "",
      "Connection closed by 10.20.0.11 port 22",
    ),
  ],
  [
    "pam_nologin",
    ended(255, "Connection closed by 10.20.0.11 port 22"),
    "unreachable E_LOGIN_NOW",
    trace("System is going down for maintenance", "Connection closed by 10.20.0.11 port 22"),
  ],
  [
    "a boot that is under way",
    ended(255, "Connection closed by 10.20.0.11 port 22"),
    "unreachable E_LOGIN_NOW",
    trace(
      '"System is booting up. Unprivileged users are not permitted to log in yet. See pam_nologin(8)"',
      "Connection closed by 10.20.0.11 port 22",
    ),
  ],
  ["pam_access", ended(255, ""), "refused E_LOGIN_ACCOUNT", trace("Connection closed by 10.20.0.11 port 22")],
  [
    "MaxSessions 0",
    ended(255, ""),
    "refused E_LOGIN_SESSIONS",
    trace(
      'Authenticated to 10.20.0.11 ([10.20.0.11]:22) using "publickey".',
      "channel 0: open failed: connect failed: open failed",
    ),
  ],
  [
    "a connection that breaks",
    ended(255, ""),
    "unreachable E_HOST_UNREACHABLE",
    ended(255, "Connection reset by peer"),
  ],
  [
    "no algorithm in common",
    ended(
      255,
      "Unable to negotiate with 10.20.0.11 port 22: no matching host key type found. Their offer: rsa-sha2-512",
    ),
    "refused E_LOGIN_ALGORITHM",
  ],
  ["another key", ended(255, "Host key verification failed."), "refused E_HOST_KEY"],
  [
    "a password to be changed",
    ended(1, "WARNING: Your password has expired.\nPassword change required but no TTY available.\n"),
    "refused E_LOGIN_PASSWORD",
  ],
  ["a shell of nobody", ended(1, "", "This account is currently not available.\n"), "refused E_LOGIN_SHELL"],
  ["rbash without a PATH", ended(127, "rbash: line 1: sh: command not found\n"), "refused E_LOGIN_SHELL"],
  [
    "no home",
    ended(
      2,
      "Could not chdir to home directory /home/ops: No such file or directory\nsh: 1: cd: can't cd to /home/ops\n",
    ),
    "refused E_LOGIN_HOME",
  ],
  ["a start-up file that ends the shell", ended(1, ""), "unreachable E_PROBE"],
  ["ForceCommand", ended(0, "", "use the bastion menu\n"), "unreachable E_PROBE"],
  [
    "requiretty",
    ended(1, `${unresolved}sudo: sorry, you must have a tty to run sudo\n`),
    "refused E_SUDO_TTY",
  ],
  ["no sudo", ended(127, "sh: 1: exec: sudo: not found\n"), "refused E_SUDO_MISSING"],
  [
    "a rule that is not there",
    ended(1, password),
    "refused E_SUDO",
    ended(1, "sudo: a password is required\n"),
  ],
  ["sudo-rs", ended(1, "sudo: interactive authentication is required\n"), "refused E_SUDO"],
  [
    "nobody of sudoers",
    ended(1, "ops is not in the sudoers file.\nThis incident has been reported to the administrator.\n"),
    "refused E_SUDO",
  ],
  ["a later rule", ended(1, password), "refused E_SUDO_ORDER", rules("(ALL) NOPASSWD: ALL", "(ALL) ALL")],
  [
    "a rule of some commands",
    ended(1, password),
    "refused E_SUDO_COMMAND",
    rules("(root) NOPASSWD: /usr/bin/apt"),
  ],
  [
    "a rule of other commands",
    ended(1, "Sorry, user ops is not allowed to execute '/usr/bin/sh -c x' as root on vm.\n"),
    "refused E_SUDO_COMMAND",
  ],
  [
    "a file that others write",
    ended(1, `sudo: /etc/sudoers.d/ops is world writable\n${password}`),
    "refused E_SUDO_FILE",
  ],
  [
    "another owner",
    ended(1, `sudo: /etc/sudoers.d/ops is owned by uid 1000, should be 0\n${password}`),
    "refused E_SUDO_FILE",
  ],
  [
    "a syntax error",
    ended(1, "/etc/sudoers.d/x:1:5: syntax error\nsudo: error initializing audit plugin sudoers_audit\n"),
    "refused E_SUDO_FILE",
  ],
  [
    "no setuid bit",
    ended(1, "sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set\n"),
    "refused E_SUDO_SETUID",
  ],
  [
    "nosuid",
    ended(
      1,
      "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set or an NFS file system without root privileges?\n",
    ),
    "refused E_SUDO_SETUID",
  ],
  [
    "NoNewPrivileges",
    ended(1, 'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.\n'),
    "refused E_SUDO_SETUID",
  ],
  [
    "sudo's own PAM",
    ended(1, "sudo: PAM account management error: Permission denied\nsudo: a password is required\n"),
    "refused E_SUDO_ACCOUNT",
  ],
  [
    "an account that PAM locks for sudo",
    ended(1, "sudo: account validation failure, is your account locked?\n"),
    "refused E_SUDO_ACCOUNT",
  ],
  ["runas_default", ended(77, unresolved, "E_SUDO_ROOT uid 1\n"), "refused E_SUDO_ROOT"],
  ["noexec", ended(126, `${unresolved}look: 1: id: Permission denied\n`), "refused E_SUDO_EXEC"],
  ["an empty machine-id", ended(0, unresolved, "in\ndone  0\n"), "refused E_MACHINE_ID"],
  [
    "a machine-id that waits for the first boot",
    ended(0, "", "in\ndone uninitia 0\n"),
    "refused E_MACHINE_ID",
  ],
  ["a report that breaks off", ended(1, "sh: 1: Syntax error\n", "in\n"), "unreachable E_PROBE"],
];

for (const [what, how, expected, answer] of probes)
  test(`reported by its own code: ${what}`, () => {
    const { kind, problem } = sshError(host, how, answer);
    assert.equal(`${kind} ${problem.code}`, expected);
    const line = formatProblem(problem);
    assert.doesNotMatch(line, /unable to resolve/);
    assert.ok(line.length < 1000);
    if (answer !== undefined) assert.notEqual(openQuestion(host, how), undefined);
  });

test("what a host prints after it has accepted the key is quoted in part, however long it is", () => {
  const long = trace("x".repeat(1_000_000), "y ".repeat(100_000));
  const checked = sshError(host, ended(255, ""), long);
  assert.match(formatProblem(checked.problem), /E_LOGIN_ACCOUNT .*(y ){100}/);
  assert.ok(formatProblem(checked.problem).length < 1_500);
});

test("a second question is asked only if its answer can say more", () => {
  const questions = Object.fromEntries(probes.map(([what, how]) => [what, openQuestion(host, how)]));
  for (const what of [
    "nobody answers",
    "AllowGroups",
    "too many keys",
    "another key",
    "requiretty",
    "no sudo",
  ])
    assert.equal(questions[what], undefined, what);
  assert.equal(questions["an account that has ended"], "trace");
  assert.equal(questions["a later rule"], "rules");
});

const copied = ended(0, "");
const copies: readonly (readonly [string, SshExit, SshExit | undefined, string | undefined])[] = [
  ["all is well", copied, ended(0, "", "Welcome\nroot reads trial-1\n"), undefined],
  [
    "no subsystem",
    ended(255, "subsystem request failed on channel 0\r\nConnection closed\r\n"),
    undefined,
    "E_SFTP",
  ],
  [
    "a start-up file that prints",
    ended(
      255,
      "Received message too long 1466264675\r\nEnsure the remote shell produces no output for non-interactive sessions.\r\n",
    ),
    undefined,
    "E_LOGIN_OUTPUT",
  ],
  ["a shell that starts no program by its path", ended(255, "Connection closed\r\n"), undefined, "E_SFTP"],
  [
    "a home of root's",
    ended(
      1,
      'remote mkdir "/home/ops/.sealift": Permission denied\r\ndest open "/home/ops/.sealift/x": No such file or directory\r\n',
    ),
    undefined,
    "E_LOGIN_HOME",
  ],
  [
    "a home that root may not enter",
    copied,
    ended(0, "head: cannot open '.sealift/trial-1' for reading: Permission denied\n", "root reads \n"),
    "E_LOGIN_HOME",
  ],
  [
    "sftp in a cage",
    copied,
    ended(
      0,
      "head: cannot open '.sealift/trial-1' for reading: No such file or directory\n",
      "root reads \n",
    ),
    "E_SFTP",
  ],
  ["a program that is missing here", ended(255, "spawn sftp ENOENT"), undefined, "E_SFTP"],
];
for (const [what, sent, read, code] of copies)
  test(`a failed copy is reported by its own code: ${what}`, () => {
    assert.equal(copyError("ops", { copied: sent, read }, "trial-1", "")?.code, code);
  });

test("what a shell prints at its start is shown, or its first characters", () => {
  const tooLong = copies.find(([what]) => what === "a start-up file that prints")?.[1] ?? copied;
  const found = (greeting: string): string | undefined =>
    copyError("ops", { copied: tooLong, read: undefined }, "trial-1", greeting)?.found;
  assert.equal(found("Welcome to NODE-A\n"), "Welcome to NODE-A");
  assert.equal(found(""), 'output that begins with "Welc"');
});

test("the guide has each of these codes, with cause and remedy", () => {
  const guide = readFileSync(join(checkout, "docs", "guide", "logins.md"), "utf8");
  const own = errorCodes.filter((code) => /^E_(LOGIN|SUDO|SFTP|MACHINE_ID)/.test(code));
  assert.deepEqual(
    own.filter((code) => !guide.includes(`| \`${code}\` `)),
    [],
  );
});

test("a command line for a host means the same to every shell: words and single quotes only", () => {
  const command = hostCommand("login.sh", "launch.sh", "launch", "0".repeat(64));
  assert.match(command, /^sh -c '[^'\\!`]*' sh '[^'\\!`]*' launch 0{64}$/);
});

test("another key is reported with both fingerprints, as ssh-keygen -l shows them", () => {
  const shown = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8";
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  const said = `@@@@\nThe fingerprint for the ED25519 key sent by the remote host is\n${shown}.\nHost key verification failed.\n`;
  const { problem } = sshError({ ...host, hostKey }, ended(255, said));
  assert.equal(problem.found, `"key ${shown}"`);
  assert.equal(
    problem.expected,
    "the host key from the site file, SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
  );
  const { problem: other } = sshError(
    { ...host, hostKey },
    ended(255, "No ED25519 host key is known for x\nHost key verification failed.\n"),
  );
  assert.equal(other.found, '"Host key verification failed."');
});
