/**
 * Logins of all kinds on one machine: what works works completely, and what does not is reported by the probe, with its own code, before
 * anything is changed.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { applyCommand, applyInput } from "../../modules/core/host/host-command.ts";
import { probe, type Probe } from "../../modules/core/host/probe.ts";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";
import { planText, type Phase } from "../../modules/core/host/step.ts";
import { accountSteps } from "../../modules/users/steps.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { loginShells, putFieldPackages } from "../lab/guest-packages.ts";
import { container } from "../lab/machine-choice.ts";
import { library } from "../support/fixtures/example-host.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: ShellFunctions;
let agent: Agent;
const { holds, finds, applies, refuses, allows } = shellFacts(() => on);
const undo = undoAfter();
before(async () => {
  on = await startFunctions("logins", container());
  undo(() => on.end());
  agent = await startAgent(on.guest.identityFile);
  undo(() => agent.stop());
  process.env["SSH_AUTH_SOCK"] = agent.socket;
  await putFieldPackages(on.guest);
  await on.root(
    "cp /etc/ssh/sshd_config /etc/ssh/sshd_config.whole; cp /home/ops/.ssh/authorized_keys /etc/ssh/deploy.keys; chmod 644 /etc/ssh/deploy.keys; cp /etc/machine-id /etc/machine-id.whole; mkdir /opt/without-sudo; ln -s /usr/bin/* /opt/without-sudo/; rm /opt/without-sudo/sudo",
  );
});

/** A host that lacks something, so that it is to be changed. */
const phase = (command: string): Phase => ({
  name: "gate",
  steps: [{ code: "gate.command", fact: "it runs", effect: "none", call: ["gate_command", command] }],
});
const probeLogin = (login = "deploy", command = "false"): Promise<Probe> => {
  const { address, port, hostKey } = on.guest;
  return probe({ name: "node-a", address, port, sshUser: login, hostKey }, [phase(command)], library, {
    copies: true,
  });
};
const reported = (result: Probe): string =>
  result.kind === "reached" ? "reached" : `${result.kind} ${result.problem.code}`;

/** The login as it is when nothing is wrong with it, whatever was done to it before. */
const output = [
  "rm -f /etc/nologin /etc/ssh/sshd_config.d/00-deploy.conf /etc/sudoers.d/*deploy* /etc/sudoers.d/00-tty",
  "umount -q /home/deploy",
  "userdel -f deploy 2>/dev/null",
  "set -e",
  "rm -rf /home/deploy",
  "useradd --uid 1700 --create-home --shell /bin/bash --password '*' deploy",
  "install -d -o deploy -g deploy -m 0700 /home/deploy/.ssh",
  "install -o deploy -g deploy -m 0600 /etc/ssh/deploy.keys /home/deploy/.ssh/authorized_keys",
  "(umask 0337; echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy)",
  "cp /etc/ssh/sshd_config.whole /etc/ssh/sshd_config",
].join("; ");
const reload = "systemctl reload ssh";
/** What some of them change of the machine itself. */
const machine = [
  "if test -e /run/systemd/system/ssh.service.d; then rm -r /run/systemd/system/ssh.service.d; systemctl daemon-reload; systemctl restart ssh; fi",
  "rm -f /etc/nologin /etc/security/access.conf",
  "cp /etc/machine-id.whole /etc/machine-id",
  "sed -i 's/^account  *required  *pam_access.so/# &/' /etc/pam.d/sshd",
].join("; ");
const afterwards = (done: string): Promise<string> => on.root(`${output}; ${reload}; ${done || ":"}`);
/** For this login alone: lines of sshd_config. */
const sshd = (...lines: string[]): string =>
  `printf '%s\\n' 'Match User deploy' ${lines.map((line) => `'${line}'`).join(" ")} >/etc/ssh/sshd_config.d/00-deploy.conf; ${reload}`;
const keysElsewhere = sshd("AuthorizedKeysFile /etc/ssh/deploy.keys");
const internal = `sed -i 's|^Subsystem.*|Subsystem sftp internal-sftp|' /etc/ssh/sshd_config; ${reload}`;
const rule = (...lines: string[]): string =>
  `chmod u+w /etc/sudoers.d/deploy; printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")} >/etc/sudoers.d/deploy; chmod 0440 /etc/sudoers.d/deploy`;

/** What works completely: the probe, the copy, and a run of the library. */
const works: Readonly<Record<string, string>> = {
  "a plain login": "",
  "login shell zsh": `usermod --shell ${loginShells.zsh} deploy`,
  "login shell fish": `usermod --shell ${loginShells.fish} deploy`,
  "login shell tcsh": `usermod --shell ${loginShells.tcsh} deploy`,
  "login shell dash": "usermod --shell /bin/dash deploy",
  "login shell rbash, and an sftp that needs no shell": `usermod --shell /bin/rbash deploy; ${internal}`,
  "a .bashrc that prints, and an sftp that needs no shell": `sed -i '1i echo Welcome to NODE-A' /home/deploy/.bashrc; ${internal}`,
  "MaxSessions 1": sshd("MaxSessions 1"),
  "a password that does not age": "chage -d 2020-01-01 -M 99999 deploy",
};
for (const [what, done] of Object.entries(works))
  test(`works: ${what}`, async () => {
    await afterwards(done);
    assert.equal(reported(await probeLogin()), "reached");
    assert.equal(await on.root("ls -A /home/deploy/.sealift 2>/dev/null || :"), "", "the trial copy is gone");
    const { sha256 } = library;
    const folder = "/home/deploy/.sealift";
    await on.root(`install -d -o deploy ${folder}; cp /run/sealift-library.sh ${folder}/${sha256}.sh`);
    const command = applyCommand("node-a", "gate", "1 of 1 facts do not hold, in run 5f3a9c21");
    const run = await on.guest.exec(command, {
      login: "deploy",
      input: applyInput(sha256, planText("node-a", phase("true"), { serial: 1 })),
    });
    assert.match(run.stdout, /^ok\tgate\.command\t/m, run.stderr);
    assert.equal(run.exitCode, 0, run.stderr);
  });

/** As over NFS with root_squash: sshd's sessions have a root that may read no file of others. @param mode of the home. */
const squashed = (mode: string): string =>
  `${keysElsewhere}; chmod ${mode} /home/deploy; mkdir -p /run/systemd/system/ssh.service.d; printf '[Service]\\nCapabilityBoundingSet=~CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH\\n' >/run/systemd/system/ssh.service.d/deploy.conf; systemctl daemon-reload; systemctl restart ssh`;

/** Which login problem is reported, by which code. */
const refused: Readonly<Record<string, readonly [done: string, code: string]>> = {
  "login shell rbash, and an sftp that its shell starts": ["usermod --shell /bin/rbash deploy", "E_SFTP"],
  "a .bashrc that prints": ["sed -i '1i echo Welcome to NODE-A' /home/deploy/.bashrc", "E_LOGIN_OUTPUT"],
  "no subsystem sftp": [`sed -i /^Subsystem/d /etc/ssh/sshd_config; ${reload}`, "E_SFTP"],
  "no home": [`${keysElsewhere}; rm -rf /home/deploy`, "E_LOGIN_HOME"],
  "a home of root's": [
    `${keysElsewhere}; chown root:root /home/deploy; chmod 755 /home/deploy`,
    "E_LOGIN_HOME",
  ],
  "a home with no room": [
    `${keysElsewhere}; mount -t tmpfs -o size=4k,nr_inodes=1,uid=1700 tmpfs /home/deploy`,
    "E_LOGIN_HOME",
  ],
  requiretty: ["echo 'Defaults:deploy requiretty' >/etc/sudoers.d/00-tty", "E_SUDO_TTY"],
  "no sudo for this login": ["rm /etc/sudoers.d/deploy", "E_SUDO"],
  "a later rule that asks for a password": [
    "(umask 0337; echo '%deploy ALL=(ALL) ALL' >/etc/sudoers.d/zz-deploy)",
    "E_SUDO_ORDER",
  ],
  "a rule of one command": [rule("deploy ALL=(root) NOPASSWD: /usr/bin/apt"), "E_SUDO_COMMAND"],
  "a sudoers file that others write": ["chmod 666 /etc/sudoers.d/deploy", "E_SUDO_FILE"],
  runas_default: [
    rule("Defaults:deploy runas_default=daemon", "deploy ALL=(ALL) NOPASSWD: ALL"),
    "E_SUDO_ROOT",
  ],
  noexec: [rule("deploy ALL=(ALL) NOPASSWD: NOEXEC: ALL"), "E_SUDO_EXEC"],
  "a password to be changed": ["usermod -p 'x' deploy; chage -d 0 deploy", "E_LOGIN_PASSWORD"],
  "a password that has aged": [
    "usermod -p 'x' deploy; chage -d 2026-01-01 -M 30 -W 7 deploy",
    "E_LOGIN_PASSWORD",
  ],
  "an account that has ended": ["chage -E 2026-01-01 deploy", "E_LOGIN_EXPIRED"],
  "an account that pam_access(8) keeps out": [
    "sed -i 's/^# *\\(account  *required  *pam_access.so\\)/\\1/' /etc/pam.d/sshd; echo '-:deploy:ALL' >/etc/security/access.conf",
    "E_LOGIN_ACCOUNT",
  ],
  maintenance: ["echo 'System is going down for maintenance' >/etc/nologin", "unreachable E_LOGIN_NOW"],
  "an empty machine-id": [": >/etc/machine-id", "E_MACHINE_ID"],
  "no sudo": [sshd("SetEnv PATH=/opt/without-sudo"), "E_SUDO_MISSING"],
  "an exit in .bashrc": ["sed -i '1i exit 1' /home/deploy/.bashrc", "unreachable E_PROBE"],
  ForceCommand: [sshd("ForceCommand /usr/bin/echo use the bastion menu"), "unreachable E_PROBE"],
  "MaxSessions 0": [sshd("MaxSessions 0"), "E_LOGIN_SESSIONS"],
  "a second factor": [
    sshd("AuthenticationMethods publickey,password", "PasswordAuthentication yes"),
    "E_LOGIN_FACTOR",
  ],
  AllowGroups: [`echo 'AllowGroups ops' >/etc/ssh/sshd_config.d/00-deploy.conf; ${reload}`, "E_LOGIN"],
  "a shell of nobody": ["usermod --shell /usr/sbin/nologin deploy", "E_LOGIN_SHELL"],
  "a home that root may not read": [squashed("0700"), "E_LOGIN_HOME"],
  "a home that everybody may read, whose files a run keeps to the login": [squashed("0755"), "E_LOGIN_HOME"],
};
for (const [what, [done, code]] of Object.entries(refused))
  test(`reported: ${what}`, async (t) => {
    t.after(() => on.root(machine));
    await afterwards(done);
    const result = await probeLogin();
    assert.equal(reported(result), code.startsWith("E_") ? `refused ${code}` : code, JSON.stringify(result));
  });

test("reported: the right key is the eighth of the agent", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-keys-"));
  const before = process.env["SSH_AUTH_SOCK"];
  await afterwards("");
  const names = ["1", "2", "3", "4", "5", "6", "7"].map((name) => join(folder, name));
  for (const name of names) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", name]);
  const full = await startAgent(names[0] ?? "");
  try {
    process.env["SSH_AUTH_SOCK"] = full.socket;
    execFileSync("ssh-add", ["-q", ...names.slice(1), on.guest.identityFile]);
    assert.equal(reported(await probeLogin()), "refused E_LOGIN_KEYS");
  } finally {
    process.env["SSH_AUTH_SOCK"] = before;
    await full.stop();
    rmSync(folder, { recursive: true });
  }
});

test("a last line without a line end is an account too", async () => {
  await afterwards("");
  await on.root("truncate -s -1 /etc/passwd; tail -n 1 /etc/passwd | grep -q ^deploy:");
  await holds("member", "deploy", "deploy");
  await finds("not a member", "member", "deploy", "games");
  await on.root("echo >>/etc/passwd");
});

test("a password with an age limit from the host is corrected when half of its days have passed", async () => {
  await afterwards("");
  await applies("password", "deploy", "*");
  await on.root("chage --maxdays 365 deploy");
  await holds("password", "deploy", "*");
  await on.root("chage --lastday $(date -d '200 days ago' +%F) deploy");
  await finds(
    /^no password, but its age limit of 365 days is reached in 16[456] days$/,
    "password",
    "deploy",
    "*",
  );
  await applies("password", "deploy", "*");
  await on.root("chage --maxdays 365 deploy");
  await holds("password", "deploy", "*");
});

test("sudoers.d is read from a quoted path too", async () => {
  const call = ["sudo_rule", "deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL"] as const;
  await on.root("cp -p /etc/sudoers /etc/sudoers.whole");
  for (const line of ['@includedir "/etc/sudoers.d"', "#includedir /etc/sudoers.d/ # ours"]) {
    await on.root(`sed -i 's|^[@#]includedir.*|${line}|' /etc/sudoers; visudo -c`);
    await allows(...call);
  }
  await on.root("cp -p /etc/sudoers.whole /etc/sudoers");
});

test("a user whose name contains a dot has a rule that sudo reads, and loses it", async () => {
  await on.root(
    "useradd --uid 1201100500 --create-home --shell /bin/bash first.last; usermod -p '*' first.last",
  );
  await applies("sudo_rule", "first.last", "first.last ALL=(ALL:ALL) NOPASSWD: ALL");
  assert.match(await on.root("setpriv --reuid=first.last --clear-groups sudo -n id -u"), /^0$/m);
  await applies("no_sudo_rule", "first.last");
});

/** A site of this docker group, and none of its own users. */
const wrong = async (dockerGroup: HostSpec["dockerGroup"]): Promise<readonly string[]> =>
  (await on.run("check", accountSteps({ groups: [], dockerGroup, users: [] }))).steps
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${status} ${code} ${found}`);

test("directory accounts: members of the docker group by name, refused as users with a remedy, never unmanaged members if listed", async () => {
  const jdoe = String.raw`CORP\jdoe`;
  await on.root(
    [
      "sed -i 's/^\\(passwd\\|group\\|shadow\\):.*/\\1: files extrausers/' /etc/nsswitch.conf",
      "install -d /var/lib/extrausers",
      `printf '%s\\n' '${jdoe}:x:784501234:784500513:J Doe:/home/jdoe:/bin/bash' 'first.doe:x:784501235:784500513::/:/bin/sh' >/var/lib/extrausers/passwd`,
      "echo 'domain_users:x:784500513:' >/var/lib/extrausers/group",
      "getent group docker >/dev/null || groupadd -r docker",
    ].join("; "),
  );
  await refuses(
    /^E_UID_TAKEN first\.doe comes from another name service .*; fix: remove first\.doe from users, .*dockerGroup\.members/,
    ...([
      "user",
      "first.doe",
      "784501235",
      "domain_users",
      "784500513",
      "/home/first.doe",
      "/bin/sh",
    ] as const),
  );
  const members = [jdoe, "first.doe"];
  assert.deepEqual(await wrong({ unmanagedMembers: "remove", members }), [
    `drift users.directory not members: ${jdoe}, first.doe`,
  ]);
  await applies("directory_members", "docker", ...members);
  assert.deepEqual(await wrong({ unmanagedMembers: "remove", members }), []);
  assert.match(
    (await wrong({ unmanagedMembers: "report", members: [jdoe] })).join(),
    /E_UNMANAGED_MEMBERS .*: first\.doe; .*dockerGroup\.members/,
  );
  await applies("unmanaged_members", "docker", "remove", jdoe);
  assert.match(await on.root(`id -Gn -- '${jdoe}'`), /docker/);
  await refuses(
    /^E_REFUSED account nobody\.there is unknown to the host's name services; /,
    "directory_members",
    "docker",
    "nobody.there",
  );
});

for (const [login, home] of [
  [String.raw`CORP\jdoe`, "/home/jdoe"],
  ["j.doe@corp.example", "/home/j.doe"],
] as const)
  test(`works: the directory account ${login}`, async () => {
    await on.root(
      [
        "grep -q ^j.doe@ /var/lib/extrausers/passwd || echo 'j.doe@corp.example:x:1201100500:784500513::/home/j.doe:/bin/bash' >>/var/lib/extrausers/passwd",
        "printf '%s\\n' '#784501234 ALL=(ALL) NOPASSWD: ALL' '#1201100500 ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/directory; chmod 0440 /etc/sudoers.d/directory",
        // An sshd with PAM lets nobody in whose line of shadow(5) is not there.
        String.raw`printf '%s\n' 'CORP\jdoe:*:20000::::::' 'j.doe@corp.example:*:20000::::::' >/var/lib/extrausers/shadow`,
        `install -d -o '${login}' -m 0700 ${home} ${home}/.ssh`,
        `install -o '${login}' -m 0600 /etc/ssh/deploy.keys ${home}/.ssh/authorized_keys`,
      ].join("; "),
    );
    const result = await probeLogin(login);
    assert.equal(reported(result), "reached", JSON.stringify(result));
  });

test("account files that cannot be written are reported before anything is changed", async () => {
  await on.root("mount --bind /etc/group /etc/group && mount -o remount,bind,ro /etc/group");
  const words =
    /^E_ACCOUNT_FILES root cannot write to \/etc\/group; fix: remove the immutable attribute with chattr -i/;
  await refuses(words, "group", "team", "2000");
  await refuses(words, "member", "deploy", "games");
  await refuses(words, "user", "carol", "2001", "carol", "2001", "/home/carol", "/bin/bash");
  await on.root("umount /etc/group");
  await allows("group", "team", "2000");
});

test("a docker group from a directory is refused with a remedy, and the remedy works", async () => {
  await on.root("groupdel docker; echo 'docker:x:784500999:first.doe' >>/var/lib/extrausers/group");
  await refuses(
    /^E_GID_TAKEN group docker comes from another name service .*: echo docker:x:784500999: >>\/etc\/group/,
    "group",
    "docker",
    "",
  );
  await on.root("echo docker:x:784500999: >>/etc/group && echo 'docker:!::' >>/etc/gshadow");
  await holds("group", "docker", "");
  await applies("directory_members", "docker", "first.doe");
});
