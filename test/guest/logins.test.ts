/** Logins of all kinds on one machine: what works works whole, and what does not is told by the look, with its own code, before anything is changed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { hostCommand } from "../../modules/core/host-command.ts";
import { probe, type Probe } from "../../modules/core/probe.ts";
import type { HostSpec } from "../../modules/core/site-spec.ts";
import { planText, type Phase } from "../../modules/core/step.ts";
import { accountSteps } from "../../modules/users/steps.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { loginShells, putFieldPackages } from "../lab/guest-packages.ts";
import { container } from "../lab/machine-choice.ts";
import { library } from "../support/example-host.ts";
import { shellFacts } from "../support/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { undoAfter } from "../support/undo.ts";

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
const look = (login = "deploy", command = "false"): Promise<Probe> => {
  const { address, port, hostKey } = on.guest;
  return probe({ name: "node-a", address, port, login, hostKey }, [phase(command)], library, {
    copies: true,
  });
};
const told = (seen: Probe): string =>
  seen.kind === "reached" ? "reached" : `${seen.kind} ${seen.problem.code}`;

/** The login as it is when nothing is wrong with it, whatever was done to it before. */
const whole = [
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
const afterWhole = (done: string): Promise<string> => on.root(`${whole}; ${reload}; ${done || ":"}`);
/** For this login alone: lines of sshd_config. */
const sshd = (...lines: string[]): string =>
  `printf '%s\\n' 'Match User deploy' ${lines.map((line) => `'${line}'`).join(" ")} >/etc/ssh/sshd_config.d/00-deploy.conf; ${reload}`;
const keysElsewhere = sshd("AuthorizedKeysFile /etc/ssh/deploy.keys");
const internal = `sed -i 's|^Subsystem.*|Subsystem sftp internal-sftp|' /etc/ssh/sshd_config; ${reload}`;
const rule = (...lines: string[]): string =>
  `chmod u+w /etc/sudoers.d/deploy; printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")} >/etc/sudoers.d/deploy; chmod 0440 /etc/sudoers.d/deploy`;

/** What goes all the way: the look, the copy, and a run of the library. */
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
    await afterWhole(done);
    assert.equal(told(await look()), "reached");
    assert.equal(await on.root("ls -A /home/deploy/.sealift 2>/dev/null || :"), "", "the trial copy is gone");
    const { sha256 } = library;
    const folder = "/home/deploy/.sealift";
    await on.root(`install -d -o deploy ${folder}; cp /run/sealift-library.sh ${folder}/${sha256}.sh`);
    const command = hostCommand("login.sh", "launch.sh", "launch", sha256);
    const run = await on.guest.exec(`${command}\n# it's !so, a "note" with \`all\` $kinds\n`, {
      login: "deploy",
      input: planText("node-a", phase("true"), { serial: 1 }),
    });
    assert.match(run.stdout, /^ok\tgate\.command\t/m, run.stderr);
    assert.equal(run.exitCode, 0, run.stderr);
  });

/** What is told, by which code. */
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
  "a home that root may not read": [
    // As over NFS with root_squash: sshd's sessions have a root that may read no file of others.
    `${keysElsewhere}; mkdir -p /run/systemd/system/ssh.service.d; printf '[Service]\\nCapabilityBoundingSet=~CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH\\n' >/run/systemd/system/ssh.service.d/deploy.conf; systemctl daemon-reload; systemctl restart ssh`,
    "E_LOGIN_HOME",
  ],
};
for (const [what, [done, code]] of Object.entries(refused))
  test(`told: ${what}`, async (t) => {
    t.after(() => on.root(machine));
    await afterWhole(done);
    const seen = await look();
    assert.equal(told(seen), code.startsWith("E_") ? `refused ${code}` : code, JSON.stringify(seen));
  });

test("told: the right key is the eighth of the agent", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-keys-"));
  const before = process.env["SSH_AUTH_SOCK"];
  await afterWhole("");
  const names = ["1", "2", "3", "4", "5", "6", "7"].map((name) => join(folder, name));
  for (const name of names) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", name]);
  const full = await startAgent(names[0] ?? "");
  try {
    process.env["SSH_AUTH_SOCK"] = full.socket;
    execFileSync("ssh-add", ["-q", ...names.slice(1), on.guest.identityFile]);
    assert.equal(told(await look()), "refused E_LOGIN_KEYS");
  } finally {
    process.env["SSH_AUTH_SOCK"] = before;
    await full.stop();
    rmSync(folder, { recursive: true });
  }
});

test("a last line that does not end is an account all the same", async () => {
  await afterWhole("");
  await on.root("truncate -s -1 /etc/passwd; tail -n 1 /etc/passwd | grep -q ^deploy:");
  await holds("member", "deploy", "deploy");
  await finds("not in it", "member", "deploy", "games");
  await on.root("echo >>/etc/passwd");
});

test("a password that a rule of the host lets grow old is repaired when half of its days are over", async () => {
  await afterWhole("");
  await applies("password", "deploy", "*");
  await on.root("chage --maxdays 365 deploy");
  await holds("password", "deploy", "*");
  await on.root("chage --lastday $(date -d '200 days ago' +%F) deploy");
  await finds(
    /^no password, yet it grows old after 365 days, of which 16[456] are left$/,
    "password",
    "deploy",
    "*",
  );
  await applies("password", "deploy", "*");
  await on.root("chage --maxdays 365 deploy");
  await holds("password", "deploy", "*");
});

test("sudoers.d is read from a path in quotes too", async () => {
  const call = ["sudo_rule", "deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL"] as const;
  await on.root("cp -p /etc/sudoers /etc/sudoers.whole");
  for (const line of ['@includedir "/etc/sudoers.d"', "#includedir /etc/sudoers.d/ # ours"]) {
    await on.root(`sed -i 's|^[@#]includedir.*|${line}|' /etc/sudoers; visudo -c`);
    await allows(...call);
  }
  await on.root("cp -p /etc/sudoers.whole /etc/sudoers");
});

test("a user whose name has a dot has a rule that sudo reads, and loses it", async () => {
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

test("accounts of a directory: members of the docker group by name, refused as users with what can be done, never strangers when named", async () => {
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
    /^E_UID_TAKEN first\.doe comes from another name service .*; take first\.doe out of users: .*dockerGroup\.members/,
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
  assert.deepEqual(await wrong({ strangers: "remove", members }), [
    `drift users.directory not in it: ${jdoe}, first.doe`,
  ]);
  await applies("directory_members", "docker", ...members);
  assert.deepEqual(await wrong({ strangers: "remove", members }), []);
  assert.match(
    (await wrong({ strangers: "report", members: [jdoe] })).join(),
    /E_STRANGERS .*: first\.doe; .*dockerGroup\.members/,
  );
  await applies("strangers", "docker", "remove", jdoe);
  assert.match(await on.root(`id -Gn -- '${jdoe}'`), /docker/);
  await refuses(
    /^E_REFUSED no name service of the host knows an account nobody\.there; /,
    "directory_members",
    "docker",
    "nobody.there",
  );
});

test("a docker group of a directory is refused with what can be done, and that works", async () => {
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
