import assert from "node:assert/strict";
import { before, test } from "node:test";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Groups, users and their keys, one function after the other: absent, right, wrong; apply; check. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("users", container());
  undo(() => on.end());
});

const { holds, finds, applies, refuses, allows } = shellFacts(() => on);

test("a group is created with a gid of its own or any; gids and names in use are refused", async () => {
  await finds("no such group", "group", "docker", "");
  await allows("group", "docker", "");
  await applies("group", "docker", "");
  await finds("no such group", "group", "app", "2000");
  await allows("group", "app", "2000");
  await applies("group", "app", "2000");
  await finds("gid 2000", "group", "app", "2001");
  await refuses(/^E_GID_TAKEN group app has gid 2000; fix: set gid: 2000, or /, "group", "app", "2001");
  await refuses(/^E_GID_TAKEN gid 2000 belongs to group app; fix: use a gid/, "group", "web", "2000");
  assert.equal(await on.root("getent group app"), "app:x:2000:\n");
});

const deploy = ["user", "deploy", "1500", "deploy", "1500", "/srv/people/deploy", "/bin/bash"] as const;
const changed = (index: number, value: string): [string, ...string[]] => {
  const [name, ...rest]: readonly [string, ...string[]] = deploy;
  return [name, ...rest.with(index - 1, value)];
};

test("a user is created with its group and a home anywhere, and is recorded as made", async () => {
  await finds("no such user", ...deploy);
  await allows(...deploy);
  await applies(...deploy);
  assert.equal(
    await on.root("getent passwd deploy && getent group deploy && stat -c '%U:%G' /srv/people/deploy"),
    "deploy:x:1500:1500::/srv/people/deploy:/bin/bash\ndeploy:x:1500:\ndeploy:deploy\n",
  );
  assert.equal(await on.root("cat /var/lib/sealift/users"), "deploy\n");
  await on.root("usermod -s /bin/sh deploy && chmod 0777 /srv/people/deploy");
  await finds("shell /bin/sh, /srv/people/deploy is writable by others", ...deploy);
  await applies(...deploy);
  await on.root("mv /srv/people/deploy /srv/people/away");
  await finds("no home /srv/people/deploy", ...deploy);
  await applies(...deploy);
});

test("a user with a group of the site gets no group of its own", async () => {
  await applies("user", "batch", "1501", "app", "2000", "/home/batch", "/bin/sh");
  assert.match(await on.root("id batch && ! getent group batch"), /uid=1501\(batch\) gid=2000\(app\)/);
});

test("ids, homes and shells that do not match are refused, and nothing is changed", async () => {
  const before = await on.root("cat /etc/passwd /etc/group /var/lib/sealift/users");
  const newcomer = (...[uid, group, gid, home, shell]: string[]): [string, ...string[]] =>
    ["user", "newcomer", uid, group, gid, home, shell] as [string, ...string[]];
  const home = "/home/newcomer";
  await refuses(/^E_UID_TAKEN deploy has uid 1500 and gid 1500; fix: use/, ...changed(2, "1600"));
  await refuses(
    /^E_HOME the home of deploy is \/srv\/people\/deploy; fix: set home: /,
    ...changed(5, "/home/deploy"),
  );
  await refuses(
    /^E_UID_TAKEN uid 1500 belongs to deploy; fix: use a uid/,
    ...newcomer("1500", "newcomer", "1502", home, "/bin/sh"),
  );
  await refuses(
    /^E_UID_TAKEN gid 1500 belongs to group deploy; fix: use/,
    ...newcomer("1502", "newcomer", "1500", home, "/bin/sh"),
  );
  await refuses(
    /^E_UID_TAKEN group app has gid 2000; fix: set/,
    ...newcomer("1502", "app", "1502", home, "/bin/sh"),
  );
  await refuses(
    /^E_HOME \/srv\/people\/away belongs to uid 1500 directory; fix: find out who/,
    ...newcomer("1502", "newcomer", "1502", "/srv/people/away", "/bin/sh"),
  );
  await refuses(
    /^E_HOST_TOOLS shell \/bin\/zsh does not exist; fix: install it/,
    ...newcomer("1502", "newcomer", "1502", home, "/bin/zsh"),
  );
  assert.equal(await on.root("cat /etc/passwd /etc/group /var/lib/sealift/users"), before);
});

test("a path is safe if nobody but root can replace it or write into it", async () => {
  await on.root(
    "install -d -m 0755 /srv/p /srv/p/real && install -d -m 1777 /srv/p/open && install -d -m 2775 /srv/p/staff && install -d -m 2755 /srv/p/log && cd /srv/p && " +
      "ln -s real near && ln -s /srv/p/real far && ln -s loop loop && touch file && " +
      "mkdir open/ours && install -d -o batch open/theirs && runuser -u batch -- ln -s /srv/p/real open/trap && ln -s open/trap led",
  );
  const open = "open is writable by others (mode 1777)";
  const expected = {
    "real/not/there": "",
    "near/not-there": "",
    far: "",
    log: "",
    "open/ours": "",
    "open/ours/not-there": "",
    open,
    "open/not-there": open,
    "open/theirs": "open/theirs belongs to batch",
    "open/trap": `open/trap is a symbolic link, and ${open}`,
    "open/trap/not-there": `open/trap is a symbolic link, and ${open}`,
    led: `open/trap is a symbolic link, and ${open}`,
    staff: "staff is writable by others (mode 2775)",
    file: "file is a regular empty file",
    loop: "loop leads to loop",
  };
  // One login for all of them: it costs more than they do.
  const probes = Object.keys(expected).map(
    (path) => `(path_is_safe /srv/p/${path} || printf %s "$path_wrong"; echo)\n`,
  );
  const input = `. /run/sealift-library.sh\nset -u\n${probes.join("")}`;
  const { stdout } = await on.guest.exec("sudo -n sh -s", { input });
  const found = stdout.replaceAll("/srv/p/", "").split("\n");
  assert.deepEqual(
    Object.fromEntries(Object.keys(expected).map((path, index) => [path, found[index]])),
    expected,
  );
});

test("root creates no home where others can write, and follows no link of theirs", async () => {
  const newcomer = (home: string): [string, ...string[]] => [
    "user",
    "newcomer",
    "1502",
    "newcomer",
    "1502",
    home,
    "/bin/sh",
  ];
  await refuses(
    /^E_HOME \/tmp\/newcomer has to be created, but \/tmp is writable by others \(mode 1777\); fix: create the home/,
    ...newcomer("/tmp/newcomer"),
  );
  await on.root(
    "install -d -o 1502 /srv/people/newcomer && runuser -u batch -- ln -s /srv/people/newcomer /var/tmp/newcomer",
  );
  await refuses(
    /^E_HOME \/var\/tmp\/newcomer is a symbolic link, and \/var\/tmp is writable by others \(mode 1777\); fix: replace it/,
    ...newcomer("/var/tmp/newcomer"),
  );
  await on.root("rm -r /var/tmp/newcomer /srv/people/newcomer && ! id newcomer");
});

test("an existing user is adopted, and recorded as adopted", async () => {
  await on.root("useradd --uid 1700 --user-group -m -s /bin/sh early");
  const early = ["user", "early", "1700", "early", "1700", "/home/early", "/bin/bash"] as const;
  await finds("shell /bin/sh, not yet managed by Sealift", ...early);
  await applies(...early);
  assert.equal(await on.root("cat /var/lib/sealift/users-adopted"), "early\n");
  assert.equal(await on.root("cat /var/lib/sealift/users"), "deploy\nbatch\n");
});

test("group membership is added and removed", async () => {
  await finds("not a member", "member", "deploy", "docker");
  await applies("member", "deploy", "docker");
  await finds("is a member", "no_member", "deploy", "docker");
  await applies("no_member", "deploy", "docker");
  await finds("not a member", "member", "nobody-here", "docker");
  await finds("not in app, not in adm", "groups", "deploy", "app", "adm", "-", "docker");
  await applies("groups", "deploy", "app", "adm", "-", "docker");
  await finds("in app, in adm", "groups", "deploy", "-", "app", "adm");
  await applies("groups", "deploy", "adm", "-", "app");
  assert.equal(await on.root("id -nG deploy"), "deploy adm\n");
  await holds("member", "batch", "app");
  await refuses(
    /^E_REFUSED app is the primary group of batch; fix: set another/,
    "no_member",
    "batch",
    "app",
  );
});

const keyOf = (text: string): string =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA${text.repeat(8)} ${text}@office`;
const file = "/srv/people/deploy/.ssh/authorized_keys";
const exact = ["authorized_keys", "deploy", "exact"] as const;
const add = ["authorized_keys", "deploy", "add"] as const;

test("keys are exactly those of the site", async () => {
  await holds(...exact);
  await finds(`${file} is not a regular file`, ...exact, keyOf("a"));
  await applies(...exact, keyOf("a"), keyOf("b"));
  assert.equal(await on.root(`cat ${file}`), `${keyOf("a")}\n${keyOf("b")}\n`);
  assert.equal(
    await on.root(`stat -c '%U %G %a' ${file} /srv/people/deploy/.ssh`),
    "deploy deploy 600\ndeploy deploy 700\n",
  );
  await on.root(`echo '${keyOf("c")}' >>${file}`);
  await finds("2 of 2 listed keys present, unlisted lines: 1", ...exact, keyOf("a"), keyOf("b"));
  await applies(...exact, keyOf("a"));
  await finds("0 of 1 listed keys present, unlisted lines: 1", ...exact, keyOf("b"));
  await applies(...exact);
  assert.equal(await on.root(`cat ${file}`), "");
  await on.root(`chown root ${file}`);
  await finds(/^uid, mode and size of directory and file: 1500 700 \d+ 0 600 0 $/, ...exact);
  await applies(...exact);
});

test("keys are added to existing ones, and never twice", async () => {
  const foreign = `from="10.0.0.0/8" ${keyOf("x")}\n# a note`;
  await on.guest.exec(`sudo tee ${file}`, { input: foreign });
  await finds("0 of 1 listed keys present, unlisted lines: 0", ...add, keyOf("a"));
  await applies(...add, keyOf("a"));
  assert.equal(await on.root(`cat ${file}`), `${foreign}\n${keyOf("a")}\n`);
  await applies(...add, keyOf("a").replace("@office", "@home"), keyOf("b"));
  assert.equal(await on.root(`cat ${file}`), `${foreign}\n${keyOf("a")}\n${keyOf("b")}\n`);
});

test("the SSH user of the run keeps one of its keys", async () => {
  const before = await on.root("cat /home/ops/.ssh/authorized_keys");
  const words =
    /^E_LOCKOUT the site lists none of the present keys of ops, .*; fix: list one of them in the site, or set authorizedKeysMode: additive, /;
  await refuses(words, "authorized_keys", "ops", "exact", keyOf("a"));
  assert.equal(await on.root("cat /home/ops/.ssh/authorized_keys"), before);
  await applies("authorized_keys", "ops", "exact", before.trim(), keyOf("a"));
});

test("a user's link leads root nowhere, and no finding shows its target", async () => {
  const folder = file.replace("/authorized_keys", "");
  const shadow = await on.root("cat /etc/shadow");
  await on.root(
    `ln -sf /etc/shadow ${file} && ln -s /etc/shadow ${file}.new && chown -h deploy: ${file} ${file}.new`,
  );
  await finds(`${file} is not a regular file`, ...exact, keyOf("a"));
  await applies(...exact, keyOf("a"));
  await on.root(`rm -r ${folder} && mkdir /var/trap && ln -s /var/trap ${folder}`);
  await applies(...exact, keyOf("a"));
  assert.equal(await on.root(`readlink ${folder}.*`), "/var/trap\n", "it is not where it was put aside");
  assert.equal(
    await on.root("ls -A /var/trap && stat -c %U /var/trap && cat /etc/shadow"),
    `root\n${shadow}`,
  );
});
