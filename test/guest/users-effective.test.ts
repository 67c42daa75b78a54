/** Effective access and sudo rules besides the files that Sealift writes; a removed user has no session any more. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, afterEach, before, test } from "node:test";
import { accountSteps } from "../../modules/users/steps.ts";
import { quote } from "../../modules/core/quote.ts";
import type { UserSpec } from "../../modules/core/site/site-spec.ts";
import { container } from "../lab/machine-choice.ts";
import { sshArguments } from "../lab/ssh.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";

let on: ShellFunctions;
let key: string;
const { holds, finds, applies, refuses } = shellFacts(() => on);
before(async () => {
  on = await startFunctions("users-effective", container());
  key = (await on.root("head -n 1 /home/ops/.ssh/authorized_keys")).trim();
  const { revision, text } = await on.run("apply", stepsOf(user()));
  assert.ok(revision, text);
});
after(() => on.end());
// What a failed test leaves running would be found by the next one.
afterEach(() =>
  on.root(
    "for group in /sys/fs/cgroup/user.slice/user-160[0-9].slice/session-[a-z].scope; do if [ -d $group ]; then echo 1 >$group/cgroup.kill; fi; done",
  ),
);

const user = (more: Partial<UserSpec> = {}): UserSpec => ({
  name: "deploy",
  uid: 1500,
  authorizedKeys: [key],
  ...more,
});
const stepsOf = (...users: UserSpec[]): ReturnType<typeof accountSteps> =>
  accountSteps({ groups: [], dockerGroup: { unmanagedMembers: "report" }, users });
const wrong = async (...users: UserSpec[]): Promise<readonly string[]> =>
  (await on.run("check", stepsOf(...users))).steps
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${status} ${code} ${found.replaceAll(/( \d+)+/g, " N")}`);
const canLogIn = async (login: string): Promise<boolean> =>
  (await on.guest.exec("true", { login })).exitCode === 0;
const exact = (): [string, ...string[]] => ["authorized_keys", "deploy", "exact", key];
const other =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGj0b2m2o0u1uXy5rJv8Zf0pQ1n3cU9w6m2d7e4k5s1T other@elsewhere";

/** Puts this into a file of sshd's configuration for as long as the work lasts. */
async function withSshd(text: string, work: () => Promise<void>): Promise<void> {
  await on.root(`printf '%b\\n' '${text}' >/etc/ssh/sshd_config.d/00-test.conf`);
  try {
    await work();
  } finally {
    await on.root("rm /etc/ssh/sshd_config.d/00-test.conf");
  }
}

test("a second file of keys, which sshd reads by default, is not overlooked", async () => {
  await holds(...exact());
  assert.equal(await canLogIn("deploy"), true);
  const second = "/home/deploy/.ssh/authorized_keys2";
  await on.root(`echo '${other}' >${second} && chown deploy: ${second}`);
  await finds(`other files also contain keys: ${second}`, ...exact());
  await holds("authorized_keys", "deploy", "add", key);
  await applies(...exact());
  assert.equal(await on.root(`test -e ${second} || echo gone`), "gone\n");
});

test("a file of root's with keys for the user is refused by name", async () => {
  await withSshd("AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys-%u", async () => {
    await holds(...exact());
    await on.root(`echo '${other}' >/etc/ssh/keys-deploy`);
    await finds("other files also contain keys: /etc/ssh/keys-deploy", ...exact());
    await refuses(/^E_SSHD \/etc\/ssh\/keys-deploy also contains keys for deploy /, ...exact());
    await on.root("rm /etc/ssh/keys-deploy");
  });
});

test("keys that sshd would not read are refused before they are written", async () => {
  await withSshd("AuthorizedKeysFile /etc/ssh/authorized_keys/%u", async () => {
    await finds(
      "sshd reads keys from /etc/ssh/authorized_keys/deploy, not from /home/deploy/.ssh/authorized_keys",
      ...exact(),
    );
    await refuses(
      /^E_SSHD sshd reads keys from .*, so keys written there would have no effect; /,
      ...exact(),
    );
  });
});

test("other ways to log in are reported: a command, certificates, and settings for some addresses only", async () => {
  await withSshd("AuthorizedKeysCommand /usr/bin/keys-of %u\\nAuthorizedKeysCommandUser nobody", async () => {
    assert.match(
      (await wrong(user())).join("\n"),
      /^warn users\.deploy\.keys E_SSHD .* keys that \/usr\/bin\/keys-of %u prints;/,
    );
  });
  await on.root("cp /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ca.pub");
  await withSshd("TrustedUserCAKeys /etc/ssh/ca.pub", async () => {
    assert.match(
      (await wrong(user())).join("\n"),
      /^warn users\.deploy\.keys E_SSHD .* certificates of the CAs in \/etc\/ssh\/ca\.pub;/,
    );
  });
  await withSshd("Match Address 10.9.9.0/24\\nAuthorizedKeysFile /tmp/keys", async () => {
    assert.match(
      (await wrong(user())).join("\n"),
      /^warn users\.sshd E_SSHD login permissions depend on .*: AuthorizedKeysFile \/tmp\/keys;/,
    );
  });
  assert.deepEqual(await wrong(user()), []);
});

test("a key that ends with a carriage return is the same key", async () => {
  await on.root("sed -i 's/$/\\r/' /home/deploy/.ssh/authorized_keys");
  await holds(...exact());
});

test("sudo's own answer is effective: a later rule and rules in other files are reported", async () => {
  const rule = "deploy ALL=(ALL:ALL) NOPASSWD: ALL";
  await applies("sudo_rule", "deploy", rule);
  const later = "/etc/sudoers.d/zz-admins";
  await on.root(`echo '%deploy ALL=(ALL) ALL' >${later} && chmod 0440 ${later}`);
  assert.equal((await on.guest.exec("sudo -n true", { login: "deploy" })).exitCode, 1);
  assert.match(
    (await wrong(user({ sudo: "ALL" }))).join("\n"),
    /^warn users\.deploy\.sudo E_SUDO another rule takes precedence, .*: \(ALL\) ALL; /,
  );
  await on.root(`mv ${later} /etc/sudoers.d/00-admins`);
  assert.equal((await on.guest.exec("sudo -n true", { login: "deploy" })).exitCode, 0);
  assert.match(
    (await wrong(user({ sudo: "ALL" }))).join("\n"),
    /^warn users\.deploy\.sudo E_SUDO other files grant deploy more: \(ALL\) ALL; /,
  );
  await on.root(
    "rm /etc/sudoers.d/00-admins; echo 'deploy ALL=(root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/more",
  );
  await applies(
    "sudo_rule",
    "deploy",
    "deploy ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/stat --format\\=%u\\,%g /etc/shadow",
  ).catch(() => undefined);
  await on.root("rm /etc/sudoers.d/more");
  await holds(
    "sudo_rule",
    "deploy",
    "deploy ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/stat --format\\=%u\\,%g /etc/shadow",
  );
  await on.root("chown games /etc/sudoers.d/sealift-deploy");
  await finds(
    / has owner and mode games:root 440 instead of root:root 440/,
    "sudo_rule",
    "deploy",
    "deploy ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/stat --format\\=%u\\,%g /etc/shadow",
  );
  await applies("no_sudo_rule", "deploy");
});

test("a removed user has no open session, and none that starts at boot", async () => {
  await on.root("loginctl enable-linger deploy");
  const session = spawn(
    "ssh",
    [...sshArguments({ ...on.guest.ssh, login: "deploy" }), "echo in; sleep 1000"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  await once(session.stdout, "data");
  assert.deepEqual(await wrong(), [
    "drift users.removed deploy: in group docker, not locked, has services that start at boot, running processes N",
  ]);
  const ended = once(session, "exit");
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  await ended;
  assert.deepEqual(await wrong(), []);
  assert.equal(await canLogIn("deploy"), false);
  assert.equal(await on.root("test -e /var/lib/systemd/linger/deploy || echo gone"), "gone\n");
});

test("a removed user whom Sealift adopted keeps the account, but no session that has the group", async () => {
  await on.root(
    `groupadd --gid 1600 early && useradd --uid 1600 --gid 1600 -m -s /bin/bash -p '*' early && install -d -o early -g early -m 0700 ~early/.ssh && install -o early -g early -m 0600 /home/ops/.ssh/authorized_keys ~early/.ssh/`,
  );
  const early = user({ name: "early", uid: 1600 });
  const { revision, text } = await on.run("apply", stepsOf(early));
  assert.ok(revision, text);
  const session = spawn(
    "ssh",
    [...sshArguments({ ...on.guest.ssh, login: "early" }), "echo in; sleep 1000"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  await once(session.stdout, "data");
  assert.deepEqual(await wrong(), ["drift users.removed early: in group docker, running processes N"]);
  const ended = once(session, "exit");
  const report = await on.run("apply", stepsOf());
  assert.ok(report.revision, report.text);
  await ended;
  assert.deepEqual(await wrong(), []);
  assert.equal(await canLogIn("early"), true);
});

test("a removed user cannot hide a process that has the group: not with namespaces, a setgid program, or outside systemd", async () => {
  const early = user({ name: "early", uid: 1600 });
  const joined = await on.run("apply", stepsOf(early));
  assert.ok(joined.revision, joined.text);
  const sleeps = "sleep 1001 & sleep 1002 & sleep 1003 & wait";
  const started = await on.guest.exec(
    `setsid unshare -U -p -f sh -c '${sleeps}' >/dev/null 2>&1 </dev/null &`,
    { login: "early" },
  );
  assert.equal(started.exitCode, 0, started.stderr);
  await on.root(
    "timeout 60 sh -c 'until [ $(pgrep -u early -f \"^sleep 100[123]\" | wc -l) = 3 ]; do sleep 0.2; done'",
  );
  // Into what systemd delegates to the user, who may move them there: beside the user's own systemd, and below that name.
  const delegated = "/sys/fs/cgroup/user.slice/user-1600.slice/user@1600.service";
  for (const [seconds, group] of Object.entries({ 1002: "init.scope", 1003: "x/user.slice/y/init.scope" }))
    await on.root(
      `mkdir -p ${delegated}/${group} && pgrep -u early -f '^sleep ${seconds}' >${delegated}/${group}/cgroup.procs`,
    );
  const hidden = (await on.root("pgrep -u early -f '^sleep 100[123]'")).trim().split("\n");
  const { steps } = await on.run("check", stepsOf());
  const found = steps.find(({ code }) => code === "users.removed")?.found ?? "";
  for (const pid of hidden) assert.match(found, new RegExp(` ${pid}\\b`), found);
  const report = await on.run("apply", stepsOf());
  assert.ok(report.revision, report.text);
  assert.deepEqual(await wrong(), []);
  assert.equal(await on.root("pgrep -u early -f '^sleep 100[123]' || echo none"), "none\n");
  // A file that somebody in the group has left behind gives the group to a later process, as the effective one alone.
  await on.root(
    "install -o early -g docker -m 2755 /usr/bin/perl ~early/left && test $(stat -c %a ~early/left) = 2755",
  );
  await on.guest.exec("setsid ./left -e 'sleep 1004' >/dev/null 2>&1 </dev/null &", { login: "early" });
  await on.root("timeout 60 sh -c 'until pgrep -u early -x left; do sleep 0.2; done'");
  assert.deepEqual(await wrong(), ["drift users.removed early: running processes N"]);
  const last = await on.run("apply", stepsOf());
  assert.ok(last.revision, last.text);
  assert.deepEqual(await wrong(), []);
  await on.root("rm ~early/left");
});

/** Starts a program with these rights in a control group, as its sleeping leader or as whatever comes after it. */
async function startIn(group: string, rights: string, program: string): Promise<void> {
  const place = `/sys/fs/cgroup/${group}`;
  const begin = `echo $$ >${place}/cgroup.procs && exec setpriv ${rights} ${program}`;
  await on.root(
    `mkdir -p ${place} && setsid sh -c ${quote(begin)} >/dev/null 2>&1 </dev/null & until grep -q 'populated 1' ${place}/cgroup.events; do sleep 0.1; done`,
  );
}
const populated = async (group: string): Promise<string> =>
  (await on.root(`grep populated /sys/fs/cgroup/${group}/cgroup.events`)).trim();
/** A process that ignores SIGTERM and is gone before its pid can be looked up: another one continues in its place. */
const chain = `perl -e ${quote('$SIG{TERM} = "IGNORE"; while (1) { my $child = fork; exit if $child }')}`;

test("a removed user cannot hide behind a subordinate id, nor outrun the search by forking", async () => {
  const eve = user({ name: "eve", uid: 1602 });
  const joined = await on.run("apply", stepsOf(eve));
  assert.ok(joined.revision, joined.text);
  await on.root(
    "sed -i /^eve:/d /etc/subuid /etc/subgid; echo eve:3000000:65536 | tee -a /etc/subuid >>/etc/subgid",
  );
  const subordinate = "--reuid=3000005 --regid=3000005 --clear-groups";
  const own = "--reuid=1602 --regid=1602 --clear-groups";
  const slice = "user.slice/user-1602.slice";
  const places: Readonly<Record<string, readonly [string, string]>> = {
    "system.slice/atd.service": [subordinate, "sleep 1005"],
    [`${slice}/user@1602.service/x`]: [subordinate, "sleep 1005"],
    [`${slice}/session-x.scope`]: [own, chain],
    "system.slice/system-sshd.slice/sshd@x.service": [own, chain],
    // Somebody else's number, as after su, and by a setuid program.
    [`${slice}/session-y.scope`]: ["--reuid=games --regid=games --clear-groups", "sleep 1005"],
  };
  for (const [group, [rights, program]] of Object.entries(places)) await startIn(group, rights, program);
  const found = await on.run("check", stepsOf());
  const words = found.steps.find(({ code }) => code === "users.removed")?.found ?? "";
  for (const pid of (await on.root("pgrep -f '^sleep 1005'")).trim().split("\n"))
    assert.match(words, new RegExp(`eve: .*processes .*\\b${pid}\\b`));
  const left = await on.run("apply", stepsOf());
  assert.ok(left.revision, left.text);
  assert.deepEqual(await wrong(), []);
  for (const group of Object.keys(places))
    assert.match(await populated(group).catch(() => "populated 0"), /^populated 0$/, group);
  for (const group of ["system.slice/atd.service", "system.slice/system-sshd.slice/sshd@x.service"])
    assert.equal(await on.root(`cat /sys/fs/cgroup/${group}/cgroup.freeze`), "0\n", "it is not left frozen");
});

/** A run ends all that is in the control group, and nothing is wrong afterwards. */
async function allEnds(group: string): Promise<void> {
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.deepEqual(await wrong(), []);
  assert.equal(await populated(group).catch(() => "populated 0"), "populated 0");
}

for (const group of ["user.slice/user-1602.slice/session-x.scope", "system.slice/atd.service"])
  test(`a single process that keeps forking, in ${group}`, async () => {
    await startIn(group, "--reuid=1602 --regid=1602 --clear-groups", chain);
    assert.match((await wrong()).join(), /^drift users\.removed eve: running processes /);
    await allEnds(group);
  });

test("of a removed user whom Sealift adopted, a process that keeps forking in the group ends, and others go on", async () => {
  const gid = (await on.root("getent group docker | cut -d : -f 3")).trim();
  const group = "user.slice/user-1600.slice/session-x.scope";
  await startIn(group, "--reuid=1600 --regid=1600 --clear-groups", "sleep 1006");
  await startIn(`${group}/x`, `--reuid=1600 --regid=1600 --groups=${gid}`, chain);
  assert.match((await wrong()).join(), /^drift users\.removed early: running processes /);
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.deepEqual(await wrong(), []);
  assert.equal(await populated(`${group}/x`), "populated 0");
  await on.root("pkill -u early -xf 'sleep 1006'");
});

/**
 * A process whose first thread is not in the group, and whose second one is: Linux keeps numbers and groups for each thread
 * (setgroups(2), setresuid(2) without the C library). The second one begins with the group and the first gives it up.
 */
const threads = (uid: number): string => {
  const program = [
    "import ctypes, platform, threading",
    'groups, gids, uids = (159, 149, 147) if platform.machine() == "aarch64" else (116, 119, 117)',
    "call = ctypes.CDLL(None).syscall",
    `own = lambda: (call(gids, ${uid}, ${uid}, ${uid}), call(uids, ${uid}, ${uid}, ${uid}), threading.Event().wait())`,
    "threading.Thread(target=own).start()",
    "call(groups, 0, 0)",
    "own()",
  ].join("; ");
  return `python3 -c ${quote(program)}`;
};

test("a removed user cannot hide a thread that has the group behind a first thread without it", async () => {
  const gid = (await on.root("getent group docker | cut -d : -f 3")).trim();
  const group = "user.slice/user-1600.slice/session-t.scope";
  await startIn(group, `--groups=${gid} --no-new-privs`, threads(1600));
  await on.root(
    `timeout 60 sh -c 'until [ "$(cat /proc/$(cat /sys/fs/cgroup/${group}/cgroup.procs)/task/*/status | grep -c ^Uid:.1600.1600)" = 2 ]; do sleep 0.1; done'`,
  );
  const first = await on.root(`grep ^Groups: /proc/$(cat /sys/fs/cgroup/${group}/cgroup.procs)/status`);
  assert.equal(first.trim(), "Groups:", "the first thread is not in the group");
  assert.deepEqual(await wrong(), ["drift users.removed early: running processes N"]);
  await allEnds(group);
});

/** Processes that each live for a tenth of a second and leave another one in their place: some 1500 new ones a second. */
const crowd = `perl -e ${quote('$SIG{TERM} = "IGNORE"; for (2 .. 150) { last unless fork } while (1) { exit if fork; select undef, undef, undef, 0.1 }')}`;

test("a removed user cannot hide a forking process that has the group behind many without it", async () => {
  const gid = (await on.root("getent group docker | cut -d : -f 3")).trim();
  const scope = "user.slice/user-1600.slice/session-d.scope";
  // The search reads groups in the kernel's order: the other processes come first, and fill the limit of a search.
  const [first = "", last = ""] = (
    await on.root(
      `cd /sys/fs/cgroup && mkdir -p ${scope}/a ${scope}/b && find ${scope} -mindepth 2 -name cgroup.procs -printf '%h\\n'`,
    )
  ).split("\n");
  await startIn(first, "--reuid=1600 --regid=1600 --clear-groups", crowd);
  await startIn(last, `--reuid=1600 --regid=1600 --groups=${gid}`, chain);
  await on.root(
    `timeout 60 sh -c 'until [ $(wc -l </sys/fs/cgroup/${first}/cgroup.procs) -ge 100 ]; do sleep 0.1; done'`,
  );
  assert.match((await wrong()).join(), /^drift users\.removed early: running processes /);
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.equal(await populated(last), "populated 0");
  // The other processes do not have the group and continue. Whether a probe reads all of them depends on the machine's speed: if it does
  // not, that is reported, and is no failure.
  assert.equal(await populated(first), "populated 1");
  for (const line of await wrong()) assert.match(line, busy);
  await ends(scope);
  assert.deepEqual(await wrong(), []);
});

/** Kills what runs in the control group, and waits until nothing does. */
async function ends(group: string): Promise<void> {
  const folder = `/sys/fs/cgroup/${group}`;
  await on.root(
    `echo 1 >${folder}/cgroup.kill; timeout 60 sh -c 'while grep -q "populated 1" ${folder}/cgroup.events; do sleep 0.1; done'`,
  );
}

/** Findings of the first probe with short-lived threads: it may happen to read all of them. */
async function met(): Promise<readonly string[]> {
  for (let probe = 0; probe < 50; probe++) {
    const found = await wrong();
    if (found.length > 0) return found;
  }
  return [];
}

const busy =
  /^warn users\.removed E_UNMANAGED_MEMBERS processes of users removed from the site end before they can be read: early \(none of them was in group docker when all were frozen at \S+Z\); fix: list their processes with ps -Lu NAME$/;

test("an adopted user keeps working with short-lived threads: reported, and no run fails because of it", async () => {
  const note = "/run/sealift/leavers/early";
  await on.root(`rm -f ${note}`);
  const group = "user.slice/user-1600.slice/session-j.scope";
  const program =
    "import itertools, threading, time; any(threading.Thread(target=time.sleep, args=(0.002,)).start() for _ in itertools.count())";
  await startIn(group, "--reuid=1600 --regid=1600 --clear-groups", `python3 -c ${quote(program)}`);
  const pid = await on.root(`cat /sys/fs/cgroup/${group}/cgroup.procs`);
  await on.root(
    `timeout 60 sh -c 'until [ "$(ls /proc/${pid.trim()}/task | wc -l)" -gt 3 ]; do sleep 0.01; done'`,
  );
  assert.deepEqual(await met(), [
    "drift users.removed early: running processes that end before they can be read",
  ]);
  // A run, too, may happen to read all of them, and then notes nothing.
  for (let times = 0; times < 50 && (await on.root(`cat ${note} 2>/dev/null || true`)) === ""; times++) {
    const { revision, text } = await on.run("apply", stepsOf());
    assert.ok(revision, text);
  }
  assert.match((await met()).join(), busy);
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.match((await met()).join(), busy);
  assert.equal(await on.root(`cat /sys/fs/cgroup/${group}/cgroup.procs`), pid, "it goes on");
  // What was found of one group says nothing of another one, and nothing for ever.
  for (const other of ["s/ [0-9]* / 1 /", "s/^\\([0-9]* [0-9]*\\) [0-9]*/\\1 -86400/"]) {
    await on.root(`cp ${note} /run/kept; sed -i ${quote(other)} ${note}`);
    assert.match((await met()).join(), /^drift /);
    await on.root(`mv /run/kept ${note}`);
  }
  await ends(group);
  assert.deepEqual(await wrong(), []);
});

test("a process that keeps forking in the session of another account ends, and the session goes on", async () => {
  const scope = "user.slice/user-1000.slice/session-s.scope";
  await startIn(scope, "--reuid=1000 --regid=1000 --clear-groups", "sleep 1009");
  await startIn(`${scope}/x`, "--reuid=1602 --regid=1602 --clear-groups", chain);
  assert.match((await wrong()).join(), /^drift users\.removed eve: running processes /);
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.deepEqual(await wrong(), []);
  assert.equal(await populated(`${scope}/x`), "populated 0");
  assert.equal(await on.root(`cat /sys/fs/cgroup/${scope}/cgroup.freeze`), "0\n", "it is not left frozen");
  await on.root("pkill -u ops -xf 'sleep 1009'");
});

test("what a run has frozen is thawed when that run is killed: by the next run, and by systemd", async () => {
  const group = "/sys/fs/cgroup/system.slice/atd.service";
  const killed = (seconds: number): Promise<string> =>
    on.root(
      `mkdir -p ${group}; ! sh -c ${quote(`. /run/sealift-library.sh; FROZEN_MOST_SEC=${seconds}; freeze_groups ${group}; cat ${group}/cgroup.freeze; kill -KILL $$`)}`,
    );
  assert.equal(await killed(3000), "1\n");
  const { revision, text } = await on.run("apply", []);
  assert.ok(revision, text);
  assert.equal(await on.root(`cat ${group}/cgroup.freeze`), "0\n");
  assert.equal(await on.root("systemctl is-active sealift-thaw.timer || true"), "inactive\n");
  assert.equal(await killed(1), "1\n");
  await on.root(`timeout 60 sh -c 'until grep -q 0 ${group}/cgroup.freeze; do sleep 0.1; done'`);
  await on.root("timeout 60 sh -c 'while [ -e /run/sealift/frozen ]; do sleep 0.1; done'");
});

test("a service of the host that runs as the account is reported by name and left to the administrator", async () => {
  await on.root("systemd-run --quiet --unit left-behind --uid=1602 sleep 1007");
  const reported = [
    "warn users.removed E_UNMANAGED_MEMBERS services of this host run as users removed from the site: eve in left-behind.service; fix: set another User= for the service, or stop and disable it",
  ];
  assert.deepEqual(await wrong(), reported);
  await startIn("system.slice/atd.service", "--reuid=1602 --regid=1602 --clear-groups", "sleep 1008");
  const { revision, text } = await on.run("apply", stepsOf());
  assert.ok(revision, text);
  assert.deepEqual(await wrong(), reported);
  assert.equal(await on.root("pgrep -xf 'sleep 1008' || systemctl is-active left-behind"), "active\n");
  await on.root("systemctl stop left-behind");
});

test("a user's own listener with the name of the engine's socket does not count as a second listener", async () => {
  const ann = user({ name: "ann", uid: 1601, docker: false });
  const joined = await on.run("apply", stepsOf(ann));
  assert.ok(joined.revision, joined.text);
  const socket = "/run/docker.sock";
  const listen = `use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; bind($s, pack_sockaddr_un("${socket}")) or die; listen($s, 5); open(my $in, ">", "in"); sleep 600;`;
  const listener = `perl -e ${quote(listen)}`;
  await on.root(
    `systemd-run -q -u real --working-directory=/var/tmp ${listener} && timeout 60 sh -c 'until [ -e /var/tmp/in ]; do sleep 0.2; done'`,
  );
  const alone = async (): Promise<string> => {
    const input = `. /run/sealift-library.sh\nset -u\nprocess_inspect $(systemctl show -P MainPID real)\nprocess_alone_on ${socket}; echo "$?"\n`;
    return (await on.guest.exec("sudo -n sh -s", { input })).stdout.replace(/process \d+/, "process N");
  };
  assert.equal(await alone(), "0\n");
  await on.guest.exec(
    `setsid unshare -Urm sh -c ${quote(`mount -t tmpfs none /run && exec ${listener}`)} >/dev/null 2>&1 </dev/null &`,
    { login: "ann" },
  );
  await on.root("timeout 60 sh -c 'until [ -e ~ann/in ]; do sleep 0.2; done'");
  assert.equal(await on.root(`grep -c ' ${socket}$' /proc/net/unix`), "2\n");
  assert.equal(await alone(), "0\n");
  // A user who can write to the folder replaces the name.
  await on.root(
    `rm /var/tmp/in; mv ${socket} /run/kept.sock; systemd-run -q -u taker --working-directory=/var/tmp ${listener} && timeout 60 sh -c 'until [ -e /var/tmp/in ]; do sleep 0.2; done'`,
  );
  assert.equal(await alone(), `more than one process listens on ${socket}: process N\n1\n`);
  await on.root(`systemctl stop real taker; loginctl terminate-user ann; rm -f ${socket} /run/kept.sock`);
});
