import assert from "node:assert/strict";
import { before, test } from "node:test";
import { accountSteps } from "../../modules/users/steps.ts";
import type { UserSpec } from "../../modules/core/site/site-spec.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Access and sudo rules, tested with real logins; removed users and unmanaged members. */
let on: ShellFunctions;
const { holds, finds, applies, refuses, allows } = shellFacts(() => on);
const undo = undoAfter();
before(async () => {
  on = await startFunctions("users-access", container());
  undo(() => on.end());
  await on.root(
    "groupadd -r docker && useradd -m -s /bin/bash -p '*' deploy && useradd -m -s /bin/bash -p '*' early",
  );
  for (const name of ["deploy", "early"])
    await on.root(`cp -r /home/ops/.ssh /home/${name}/ && chown -R ${name}: /home/${name}/.ssh`);
});

/** Over a connection of its own, with the lab's key. */
const canLogIn = async (login: string): Promise<boolean> =>
  (await on.guest.exec("true", { login })).exitCode === 0;

const hash = `$6$saltsalt$${"q".repeat(86)}`;

test("no password, or the hash of the site; a finding never contains one", async () => {
  await holds("password", "deploy", "*");
  await finds("no such user", "password", "nobody-here", "*");
  await finds("no password", "password", "deploy", hash);
  await applies("password", "deploy", hash);
  assert.equal(await on.root("getent shadow deploy | cut -d : -f 2"), `${hash}\n`);
  await finds("a different password", "password", "deploy", hash.replace("q", "r"));
  await finds("a different password", "password", "deploy", "*");
  await applies("password", "deploy", "*");
  await on.root("passwd -d deploy");
  await finds("an empty password", "password", "deploy", "*");
  await on.root("usermod -p '!' deploy");
  await finds("no password, locked", "password", "deploy", "*");
  await applies("password", "deploy", "*");
});

test("a login with a key keeps working although an unused password would expire", async () => {
  await on.root("chage -M 30 -d 2020-01-01 deploy");
  assert.equal(await canLogIn("deploy"), false);
  await finds("no password, but its age limit of 30 days is reached in 0 days", "password", "deploy", "*");
  await applies("password", "deploy", "*");
  assert.equal(await canLogIn("deploy"), true);
  await on.root("chage -d 0 deploy");
  await finds("a password change is required at the next login", "password", "deploy", "*");
  await applies("password", "deploy", "*");
});

test("an expiry date, and none", async () => {
  await holds("expiry", "deploy", "");
  await finds("no expiry date", "expiry", "deploy", "20850");
  await applies("expiry", "deploy", "20850");
  await finds("expires on 2027-02-01", "expiry", "deploy", "20851");
  await applies("expiry", "deploy", "");
  await finds("no such user", "expiry", "nobody-here", "");
});

const user = (more: Partial<UserSpec> = {}): UserSpec => ({
  name: "deploy",
  uid: 1001,
  authorizedKeys: [],
  authorizedKeysMode: "additive",
  ...more,
});
const stepsOf = (...users: UserSpec[]): ReturnType<typeof accountSteps> =>
  accountSteps({ groups: [], dockerGroup: { unmanagedMembers: "report" }, users });
/** Runs the whole phase. @returns code and status of what is not ok. */
async function run(
  mode: "check" | "apply",
  steps: ReturnType<typeof accountSteps>,
): Promise<readonly string[]> {
  const { steps: reports, revision, text } = await on.run(mode, steps);
  assert.notEqual(revision, undefined, text);
  return reports
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${status} ${code}: ${found}`);
}

test("a locked user cannot log in by any means, and can again when the lock is removed", async () => {
  assert.deepEqual(await run("apply", stepsOf(user())), [
    "changed users.deploy: not yet managed by Sealift",
    "changed users.deploy.docker: not a member",
  ]);
  assert.equal(await canLogIn("deploy"), true);
  const locked = stepsOf(user({ locked: true, passwordHash: hash }));
  assert.deepEqual(await run("check", locked), [
    "drift users.deploy.password: no password",
    "drift users.deploy.expiry: no expiry date",
  ]);
  await run("apply", locked);
  assert.deepEqual(await run("apply", locked), []);
  assert.equal(await canLogIn("deploy"), false);
  assert.match(await on.root("getent shadow deploy"), /^deploy:!\$6\$.*:1:$/m);
  assert.deepEqual(await run("apply", stepsOf(user({ passwordHash: hash }))), [
    "changed users.deploy.password: a password, locked",
    "changed users.deploy.expiry: expires on 1970-01-02",
  ]);
  assert.equal(await canLogIn("deploy"), true);
});

test("a sudo rule works, is exactly the site's, and is removed again", async () => {
  const rule = "deploy ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/stat --format\\=%u\\,%g /etc/shadow";
  await finds("/etc/sudoers.d/sealift-deploy does not exist", "sudo_rule", "deploy", rule);
  await allows("sudo_rule", "deploy", rule);
  await applies("sudo_rule", "deploy", rule);
  const sudo = async (command: string): Promise<string> => {
    const { stdout, exitCode } = await on.guest.exec(`sudo -n ${command}`, { login: "deploy" });
    return `${exitCode} ${stdout}`;
  };
  assert.equal(await sudo("id -u"), "0 0\n");
  assert.equal(await sudo("stat --format=%u,%g /etc/shadow"), "0 0,42\n");
  assert.match(await sudo("id"), /^1 /);
  await on.root("chmod 0640 /etc/sudoers.d/sealift-deploy");
  await finds(/ has owner and mode root:root 640 instead of root:root 440/, "sudo_rule", "deploy", rule);
  await applies("sudo_rule", "deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL");
  assert.equal(await sudo("id -u"), "0 0\n");
  await finds("/etc/sudoers.d/sealift-deploy exists", "no_sudo_rule", "deploy");
  await applies("no_sudo_rule", "deploy");
  // On a bare host, sudo does not know the user that is about to be made.
  await holds("no_sudo_rule", "nobody-here");
  assert.match(await sudo("-l"), /^1 /);
});

test("a rule that visudo rejects is never installed", async () => {
  const { exitCode, output } = await on.call("apply_sudo_rule", "deploy", "deploy ALL=(root NOPASSWD: ALL");
  assert.equal(exitCode, 1);
  assert.match(output, /syntax error/);
  assert.equal(await on.root("ls /etc/sudoers.d | grep sealift || true"), "");
});

test("the SSH user of the run keeps its own sudo rule", async () => {
  await on.root("cp /etc/sudoers.d/ops /etc/sudoers.d/sealift-ops");
  await refuses(/^E_LOCKOUT ops is the SSH user of this run /, "no_sudo_rule", "ops");
  await on.root("rm /etc/sudoers.d/sealift-ops");
});

test("a sudo that does not read the folder is refused", async () => {
  const rule = "deploy ALL=(ALL:ALL) NOPASSWD: ALL";
  await on.root(
    "cp -p /etc/sudoers /etc/sudoers.away && echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers",
  );
  await refuses(
    /^E_REFUSED \/etc\/sudoers does not include \/etc\/sudoers\.d; fix: add/,
    "sudo_rule",
    "deploy",
    rule,
  );
  await on.root("mv /etc/sudoers.away /etc/sudoers");
});

test("a removed user loses the access that Sealift gave; nobody is deleted", async () => {
  const made = user({ name: "made", uid: 1801, sudo: "ALL" });
  await run("apply", stepsOf(user(), made));
  await on.root("cp -r /home/ops/.ssh ~made/ && chown -R made: ~made/.ssh && touch ~made/kept");
  assert.equal(await canLogIn("made"), true);
  assert.deepEqual(await run("check", stepsOf()), [
    "drift users.removed: made: in group docker, has a sudo rule, not locked; deploy: in group docker",
  ]);
  assert.equal((await run("apply", stepsOf())).length, 1);
  assert.deepEqual(await run("apply", stepsOf()), []);
  assert.equal(await canLogIn("made"), false);
  assert.equal(await canLogIn("deploy"), true, "it was there before Sealift");
  assert.equal(await on.root("getent group docker | cut -d : -f 4; ls ~made"), "\nkept\n");
  assert.equal(await on.root("test -e /etc/sudoers.d/sealift-made || echo gone"), "gone\n");
  await on.root("usermod -U -e '' made");
  assert.deepEqual(await run("check", stepsOf()), ["drift users.removed: made: not locked"]);
  await run("apply", stepsOf(made));
  assert.equal(await canLogIn("made"), true, "and is back in the site");
});

test("the SSH user of the run is not locked when it is removed from the site", async () => {
  await on.root("echo ops >>/var/lib/sealift/users");
  await refuses(
    /^E_LOCKOUT user ops was removed from the site but is the SSH user of this run; /,
    "removed_users",
    "docker",
  );
  assert.deepEqual(
    (await run("check", stepsOf(user({ name: "made", uid: 1801, sudo: "ALL" })))).map(
      (line) => line.split(":")[0],
    ),
    ["refused users.removed"],
  );
  await on.root("sed -i /ops/d /var/lib/sealift/users");
});

test("group members whom the site does not list are reported, or removed", async () => {
  await on.root("gpasswd -a early docker && useradd -g docker second");
  const report = ["unmanaged_members", "docker", "report", "made"] as const;
  const { exitCode, output } = await on.call("check_unmanaged_members", ...report.slice(1));
  assert.equal(exitCode, 90);
  assert.match(
    output,
    /^E_UNMANAGED_MEMBERS members not listed in the site: early second; fix: add them to users /,
  );
  const steps = stepsOf(user({ name: "made", uid: 1801, sudo: "ALL" }));
  const reported = [`warn users.unmanaged: ${output}`];
  assert.deepEqual(await run("check", steps), reported);
  assert.deepEqual(await run("apply", steps), reported, "a phase that is applied leaves them");
  await refuses(
    /^E_REFUSED docker is the primary group of second; /,
    "unmanaged_members",
    "docker",
    "remove",
    "made",
  );
  await on.root("userdel second");
  await finds("members not listed in the site: early", "unmanaged_members", "docker", "remove", "made");
  await applies("unmanaged_members", "docker", "remove", "made");
  assert.equal(await on.root("id -nG early"), "early\n");
});
