import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/site-text.ts";

/** The example with more said of its user, more sections before the list of users, and more users at its end. */
const site = (user: string, sections = "", others = ""): string =>
  changed("uid: 1500", `uid: 1500\n        ${user}`)
    .replace("    users:\n", `${sections}    users:\n`)
    .replace("deploy@office\n", `deploy@office\n${others}`);
const groups = "    groups:\n      - { name: app, gid: 2000 }\n";
const messages = (text: string): readonly string[] => problemsOf(text).map(formatProblem);
const hash = `$y$j9T$${"x".repeat(22)}$${"y".repeat(43)}`;

test("everything that can be said of users and groups", () => {
  const text = site(
    `gid: 2000
        home: /svc/home/deploy
        groups: [adm]
        docker: false
        sudo: ["/usr/bin/systemctl restart app.service", '/usr/bin/id ""']
        keys: add
        passwordHash: "${hash}"
        expires: "2028-02-29"
        locked: true`,
    `${groups}    dockerGroup: { gid: 990, strangers: remove }\n`,
  );
  const [host] = siteOf(text).hosts;
  assert.deepEqual(host?.groups, [{ name: "app", gid: 2000 }]);
  assert.deepEqual(host.dockerGroup, { gid: 990, strangers: "remove" });
  assert.equal(host.users[0]?.expires, "2028-02-29");
});

test("a host that says nothing of the docker group reports strangers", () => {
  assert.deepEqual(siteOf(site("docker: true")).hosts[0]?.dockerGroup, { strangers: "report" });
  const text = site("docker: true", "    dockerGroup: { gid: 990 }\n");
  assert.deepEqual(siteOf(text).hosts[0]?.dockerGroup, { strangers: "report", gid: 990 });
});

test("accounts of a directory: their names as logins and as members of the docker group, their numbers for users", () => {
  for (const login of ["first.last", "j.doe@corp.example", String.raw`CORP\jdoe`, "Administrator"]) {
    const [host] = siteOf(
      changed("login: ops", `login: ${login}`).replace(
        "    users:\n",
        `    dockerGroup: { members: ['${login}'] }\n    users:\n`,
      ),
    ).hosts;
    assert.equal(host?.login, login);
    assert.deepEqual(host.dockerGroup.members, [login]);
  }
  const twice = changed("    users:\n", "    dockerGroup: { members: [deploy] }\n    users:\n");
  assert.match(messages(twice).join("\n"), /E_CONFLICT dockerGroup\.members\[0\]: got "deploy"; /);
  const text = changed("name: deploy", "name: first.last").replace("uid: 1500", "uid: 1201100500");
  assert.equal(siteOf(text).hosts[0]?.users[0]?.uid, 1_201_100_500);
});

test("keys are taken as they are pasted: a comment in any script, a line end, the comment of a host's key", () => {
  const key = "AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab";
  const text = changed("deploy@office", "müller@büro").replace(/hostKey: (.*)/, "hostKey: $1 root@node-a");
  const [host] = siteOf(text).hosts;
  assert.match(host?.users[0]?.authorizedKeys[0] ?? "", / müller@büro$/);
  assert.match(host?.hostKey ?? "", /^ssh-ed25519 [A-Za-z0-9+/]+$/);
  const block = site(`authorizedKeys:\n          - |\n            ssh-ed25519 ${key} x`).replace(
    /\n {8}authorizedKeys:\n {10}- ssh.*/,
    "",
  );
  assert.deepEqual(siteOf(block).hosts[0]?.users[0]?.authorizedKeys, [`ssh-ed25519 ${key} x`]);
});

test("options in front of a key are named as the reason, and numbers that are nobody's are refused", () => {
  for (const options of ['from="10.20.0.0/16"', "restrict,pty"]) {
    const [line = ""] = messages(
      changed(/- ssh-ed25519 (?=.*deploy@office)/, `- '${options} ssh-ed25519 `).replace(
        "deploy@office",
        "deploy@office'",
      ),
    );
    assert.match(line, /E_VALUE .*authorizedKeys\[0\]: .*; remove the options in front of the key/);
  }
  assert.match(
    messages(changed("uid: 1500", "uid: 65534\n        systemUid: true")).join("\n"),
    /E_VALUE .*neither 65534/,
  );
});

/** What is said of the user, which sections there are, and the message. */
const slips: readonly [what: string, user: string, sections: string, message: RegExp, others?: string][] = [
  [
    "a reserved name",
    "locked: false",
    "",
    /E_VALUE users\[1\]\.name: got "leavers"; expected none of directory, group, leavers, sshd, strangers, /,
    "      - { name: leavers, uid: 1600, authorizedKeys: [] }\n",
  ],
  [
    "the name of another fact",
    "locked: false",
    "",
    /E_VALUE users\[1\]\.name: got "sshd"; expected none of directory, group, leavers, sshd, strangers, /,
    "      - { name: sshd, uid: 991, systemUid: true, docker: false, authorizedKeys: [] }\n",
  ],
  [
    "a day that no calendar has",
    'expires: "2027-02-30"',
    "",
    /:\d+:\d+: E_VALUE users\[0\]\.expires: got "2027-02-30"; expected a day of the calendar/,
  ],
  [
    "a date of another form",
    'expires: "31.01.2027"',
    "",
    /E_VALUE users\[0\]\.expires: got "31\.01\.2027"; expected a date like 2027-01-31; write it as/,
  ],
  [
    "a wildcard in sudo",
    "sudo: [/usr/bin/systemctl restart *]",
    "",
    /E_VALUE users\[0\]\.sudo\[0\]: got .*; expected an absolute path and plain arguments, .*no wildcards/,
  ],
  [
    "sudo in other words",
    "sudo: all",
    "",
    /E_VALUE users\[0\]\.sudo: got "all"; expected ALL, or a list of absolute command lines/,
  ],
  [
    "a relative home",
    "home: people/deploy",
    "",
    /E_VALUE users\[0\]\.home: got "people\/deploy"; expected an absolute path/,
  ],
  [
    "a group that nobody knows",
    "groups: [apps]",
    groups,
    /E_GROUP_UNKNOWN users\[0\]\.groups\[0\]: got "apps"; expected one of app, adm, .*; did you mean "app"\? if not, add it to groups with its gid$/,
  ],
  [
    "docker as one of the groups",
    "groups: [docker]",
    "",
    /E_GROUP_UNKNOWN users\[0\]\.groups\[0\]: got "docker"; .*; remove it: docker: true, the default, says this$/,
  ],
  ["sudo as one of the groups", "groups: [sudo]", "", /E_GROUP_UNKNOWN .*; remove it and write sudo: ALL/],
  [
    "a group twice",
    "locked: false",
    `${groups}      - { name: app, gid: 2001 }\n`,
    /E_DUPLICATE groups\[1\]\.name: got "app"/,
  ],
  [
    "a gid twice",
    "locked: false",
    `${groups}      - { name: web, gid: 2000 }\n`,
    /E_DUPLICATE groups\[1\]\.gid: got 2000/,
  ],
  [
    "docker among the groups",
    "locked: false",
    "    groups:\n      - { name: docker, gid: 990 }\n",
    /E_VALUE groups\[0\]\.name: got "docker"; expected any other group; write its gid into dockerGroup/,
  ],
  [
    "a uid that is a group's gid",
    "locked: false",
    "    groups:\n      - { name: app, gid: 1500 }\n",
    /E_DUPLICATE users\[0\]\.uid: got 1500; expected a gid that group app does not have; write gid: 1500 if app is to be the primary group/,
  ],
  [
    "a user named like a group",
    "locked: false",
    "    groups:\n      - { name: deploy, gid: 2000 }\n",
    /E_DUPLICATE users\[0\]\.name: got "deploy"; .*; write gid: 2000, or rename/,
  ],
  [
    "a gid outside the range",
    "gid: 700",
    "",
    /E_UID_RANGE users\[0\]\.gid: got 700; expected 1000 to 59999, or the gid of one of the site's groups/,
  ],
  [
    "one gid for two users",
    "gid: 1600",
    "",
    /E_DUPLICATE users\[1\]\.uid: got 1600; expected another gid than users\[0\] has/,
    "      - { name: other, uid: 1600, authorizedKeys: [] }\n",
  ],
  [
    "the docker group's gid again",
    "locked: false",
    "    dockerGroup: { gid: 1500 }\n",
    /E_DUPLICATE dockerGroup\.gid: got 1500; expected a gid that deploy does not have/,
  ],
  [
    "strangers in other words",
    "locked: false",
    "    dockerGroup: { strangers: delete }\n",
    /E_VALUE dockerGroup\.strangers: got "delete"; expected one of report, remove/,
  ],
];

for (const [what, user, sections, message, others] of slips) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const lines = messages(site(user, sections, others));
    assert.ok(
      lines.some((line) => message.test(line)),
      lines.join("\n") || "it was accepted",
    );
  });
}

test("what all hosts inherit is told once", () => {
  assert.equal(messages(site("groups: [apps]", groups)).length, 1);
});

test("the login by which the operator comes in is not shut out", () => {
  const ops = (more: string): string =>
    site("docker: true").replace(/name: deploy/, `name: ops\n        ${more}`);
  assert.match(
    messages(ops("locked: true")).join(),
    /E_VALUE users\[0\]\.locked: got true; expected a way in for ops, the login of node-a/,
  );
  assert.match(
    messages(ops("sudo: [/usr/bin/id]")).join(),
    /E_VALUE users\[0\]\.sudo: got a list of commands; expected ALL for ops/,
  );
  const bare = ops("home: /home/ops").replace(/authorizedKeys:\n.*\n/, "authorizedKeys: []\n");
  assert.match(
    messages(bare).join(),
    /E_VALUE users\[0\]\.authorizedKeys: got no key; expected a way in for ops/,
  );
  assert.deepEqual(messages(bare.replace("authorizedKeys: []", "authorizedKeys: []\n        keys: add")), []);
});
