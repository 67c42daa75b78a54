import assert from "node:assert/strict";
import { before, test } from "node:test";
import { accountSteps } from "../../modules/users/steps.ts";
import type { UserSpec } from "../../modules/core/site-spec.ts";
import { shellFacts } from "../support/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/undo.ts";

/** What lets people in and what they may do, tried by really logging in; those who leave; those who never were. */
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
const letsIn = async (login: string): Promise<boolean> =>
  (await on.guest.exec("true", { login })).exitCode === 0;

const hash = `$6$saltsalt$${"q".repeat(86)}`;

test("no password, or the hash of the site; a finding never holds one", async () => {
  await holds("password", "deploy", "*");
  await finds("no such user", "password", "nobody-here", "*");
  await finds("no password", "password", "deploy", hash);
  await applies("password", "deploy", hash);
  assert.equal(await on.root("getent shadow deploy | cut -d : -f 2"), `${hash}\n`);
  await finds("another password", "password", "deploy", hash.replace("q", "r"));
  await finds("another password", "password", "deploy", "*");
  await applies("password", "deploy", "*");
  await on.root("passwd -d deploy");
  await finds("an empty password", "password", "deploy", "*");
  await on.root("usermod -p '!' deploy");
  await finds("no password, locked", "password", "deploy", "*");
  await applies("password", "deploy", "*");
});

test("a login by key does not stop because a password that is not there grows old", async () => {
  await on.root("chage -M 30 -d 2020-01-01 deploy");
  assert.equal(await letsIn("deploy"), false);
  await finds("no password, yet it grows old after 30 days, of which 0 are left", "password", "deploy", "*");
  await applies("password", "deploy", "*");
  assert.equal(await letsIn("deploy"), true);
  await on.root("chage -d 0 deploy");
  await finds("a new password is asked for at the next login", "password", "deploy", "*");
  await applies("password", "deploy", "*");
});

test("an end of access, and none", async () => {
  await holds("expiry", "deploy", "");
  await finds("no end", "expiry", "deploy", "20850");
  await applies("expiry", "deploy", "20850");
  await finds("ends on 2027-02-01", "expiry", "deploy", "20851");
  await applies("expiry", "deploy", "");
  await finds("no such user", "expiry", "nobody-here", "");
});

const user = (more: Partial<UserSpec> = {}): UserSpec => ({
  name: "deploy",
  uid: 1001,
  authorizedKeys: [],
  keys: "add",
  ...more,
});
const stepsOf = (...users: UserSpec[]): ReturnType<typeof accountSteps> =>
  accountSteps({ groups: [], dockerGroup: { strangers: "report" }, users });
/** Runs the whole phase. @returns code and status of what is not ok. */
async function run(
  mode: "check" | "apply",
  steps: ReturnType<typeof accountSteps>,
): Promise<readonly string[]> {
  const { steps: reports, mark, text } = await on.run(mode, steps);
  assert.notEqual(mark, undefined, text);
  return reports
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${status} ${code}: ${found}`);
}

test("a locked user gets in by nothing, and gets in again when the lock is taken off", async () => {
  assert.deepEqual(await run("apply", stepsOf(user())), [
    "changed users.deploy: not yet in Sealift's care",
    "changed users.deploy.docker: not in it",
  ]);
  assert.equal(await letsIn("deploy"), true);
  const locked = stepsOf(user({ locked: true, passwordHash: hash }));
  assert.deepEqual(await run("check", locked), [
    "drift users.deploy.password: no password",
    "drift users.deploy.expiry: no end",
  ]);
  await run("apply", locked);
  assert.deepEqual(await run("apply", locked), []);
  assert.equal(await letsIn("deploy"), false);
  assert.match(await on.root("getent shadow deploy"), /^deploy:!\$6\$.*:1:$/m);
  assert.deepEqual(await run("apply", stepsOf(user({ passwordHash: hash }))), [
    "changed users.deploy.password: a password, locked",
    "changed users.deploy.expiry: ends on 1970-01-02",
  ]);
  assert.equal(await letsIn("deploy"), true);
});

test("a sudo rule works, is exactly the site's, and goes away again", async () => {
  const rule = "deploy ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/stat --format\\=%u\\,%g /etc/shadow";
  await finds("no /etc/sudoers.d/sealift-deploy", "sudo_rule", "deploy", rule);
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
  await finds(/ is of root:root with mode 640 in place of root:root 440/, "sudo_rule", "deploy", rule);
  await applies("sudo_rule", "deploy", "deploy ALL=(ALL:ALL) NOPASSWD: ALL");
  assert.equal(await sudo("id -u"), "0 0\n");
  await finds("there is /etc/sudoers.d/sealift-deploy", "no_sudo_rule", "deploy");
  await applies("no_sudo_rule", "deploy");
  // On a bare host, sudo does not know the user that is about to be made.
  await holds("no_sudo_rule", "nobody-here");
  assert.match(await sudo("-l"), /^1 /);
});

test("a rule that visudo does not like never goes live", async () => {
  const { exitCode, output } = await on.call("apply_sudo_rule", "deploy", "deploy ALL=(root NOPASSWD: ALL");
  assert.equal(exitCode, 1);
  assert.match(output, /syntax error/);
  assert.equal(await on.root("ls /etc/sudoers.d | grep sealift || true"), "");
});

test("the login of the run keeps its own sudo rule", async () => {
  await on.root("cp /etc/sudoers.d/ops /etc/sudoers.d/sealift-ops");
  await refuses(/^E_OWN_LOGIN ops is the login of this very run, /, "no_sudo_rule", "ops");
  await on.root("rm /etc/sudoers.d/sealift-ops");
});

test("sudo that does not read the folder is refused", async () => {
  const rule = "deploy ALL=(ALL:ALL) NOPASSWD: ALL";
  await on.root(
    "cp -p /etc/sudoers /etc/sudoers.away && echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers",
  );
  await refuses(
    /^E_REFUSED \/etc\/sudoers does not include \/etc\/sudoers\.d; add/,
    "sudo_rule",
    "deploy",
    rule,
  );
  await on.root("mv /etc/sudoers.away /etc/sudoers");
});

test("who leaves the site is shut out as far as Sealift let them in; nobody is deleted", async () => {
  const made = user({ name: "made", uid: 1801, sudo: "ALL" });
  await run("apply", stepsOf(user(), made));
  await on.root("cp -r /home/ops/.ssh ~made/ && chown -R made: ~made/.ssh && touch ~made/kept");
  assert.equal(await letsIn("made"), true);
  assert.deepEqual(await run("check", stepsOf()), [
    "drift users.leavers: made: in docker, has a sudo rule, not locked; deploy: in docker",
  ]);
  assert.equal((await run("apply", stepsOf())).length, 1);
  assert.deepEqual(await run("apply", stepsOf()), []);
  assert.equal(await letsIn("made"), false);
  assert.equal(await letsIn("deploy"), true, "it was there before Sealift");
  assert.equal(await on.root("getent group docker | cut -d : -f 4; ls ~made"), "\nkept\n");
  assert.equal(await on.root("test -e /etc/sudoers.d/sealift-made || echo gone"), "gone\n");
  await on.root("usermod -U -e '' made");
  assert.deepEqual(await run("check", stepsOf()), ["drift users.leavers: made: not locked"]);
  await run("apply", stepsOf(made));
  assert.equal(await letsIn("made"), true, "and is back in the site");
});

test("the login of the run is not locked because it left the site", async () => {
  await on.root("echo ops >>/var/lib/sealift/users");
  await refuses(
    /^E_OWN_LOGIN ops, who is not in the site any more, is the login of this very run; /,
    "leavers",
    "docker",
  );
  assert.deepEqual(
    (await run("check", stepsOf(user({ name: "made", uid: 1801, sudo: "ALL" })))).map(
      (line) => line.split(":")[0],
    ),
    ["refused users.leavers"],
  );
  await on.root("sed -i /ops/d /var/lib/sealift/users");
});

test("members whom the site does not name are told, or taken out", async () => {
  await on.root("gpasswd -a early docker && useradd -g docker second");
  const report = ["strangers", "docker", "report", "made"] as const;
  const { exitCode, output } = await on.call("check_strangers", ...report.slice(1));
  assert.equal(exitCode, 90);
  assert.match(
    output,
    /^E_STRANGERS members that the site does not name: early second; name them in users, /,
  );
  const steps = stepsOf(user({ name: "made", uid: 1801, sudo: "ALL" }));
  const told = [`warn users.strangers: ${output}`];
  assert.deepEqual(await run("check", steps), told);
  assert.deepEqual(await run("apply", steps), told, "a phase that is applied leaves them");
  await refuses(
    /^E_REFUSED docker is the primary group of second; /,
    "strangers",
    "docker",
    "remove",
    "made",
  );
  await on.root("userdel second");
  await finds("members that the site does not name: early", "strangers", "docker", "remove", "made");
  await applies("strangers", "docker", "remove", "made");
  assert.equal(await on.root("id -nG early"), "early\n");
});
