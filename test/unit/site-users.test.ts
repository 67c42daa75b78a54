import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

/** The example with more keys for its user, more sections before the list of users, and more users at its end. */
const site = (user: string, sections = "", others = ""): string =>
  changed("uid: 1500", `uid: 1500\n        ${user}`)
    .replace("    users:\n", `${sections}    users:\n`)
    .replace("deploy@office\n", `deploy@office\n${others}`);
const groups = "    groups:\n      - { name: app, gid: 2000 }\n";
const messages = (text: string): readonly string[] => problemsOf(text).map(formatProblem);
const hash = `$y$j9T$${"x".repeat(22)}$${"y".repeat(43)}`;

test("all keys of users and groups", () => {
  const text = site(
    `gid: 2000
        home: /svc/home/deploy
        groups: [adm]
        docker: false
        sudo: ["/usr/bin/systemctl restart app.service", '/usr/bin/id ""']
        authorizedKeysMode: additive
        passwordHash: "${hash}"
        expires: "2028-02-29"
        locked: true`,
    `${groups}    dockerGroup: { gid: 990, unmanagedMembers: remove }\n`,
  );
  const [host] = siteOf(text).hosts;
  assert.deepEqual(host?.groups, [{ name: "app", gid: 2000 }]);
  assert.deepEqual(host.dockerGroup, { gid: 990, unmanagedMembers: "remove" });
  assert.equal(host.users[0]?.expires, "2028-02-29");
});

test("a host without a key for the docker group reports unmanaged members", () => {
  assert.deepEqual(siteOf(site("docker: true")).hosts[0]?.dockerGroup, { unmanagedMembers: "report" });
  const text = site("docker: true", "    dockerGroup: { gid: 990 }\n");
  assert.deepEqual(siteOf(text).hosts[0]?.dockerGroup, { unmanagedMembers: "report", gid: 990 });
});

test("directory accounts: their names as SSH users and as members of the docker group, their ids for users", () => {
  for (const login of ["first.last", "j.doe@corp.example", String.raw`CORP\jdoe`, "Administrator"]) {
    const [host] = siteOf(
      changed("sshUser: ops", `sshUser: ${login}`).replace(
        "    users:\n",
        `    dockerGroup: { members: ['${login}'] }\n    users:\n`,
      ),
    ).hosts;
    assert.equal(host?.sshUser, login);
    assert.deepEqual(host.dockerGroup.members, [login]);
  }
  const twice = changed("    users:\n", "    dockerGroup: { members: [deploy] }\n    users:\n");
  assert.match(messages(twice).join("\n"), /E_CONFLICT dockerGroup\.members\[0\]: found: "deploy"; /);
  const text = changed("name: deploy", "name: first.last").replace("uid: 1500", "uid: 1201100500");
  assert.equal(siteOf(text).hosts[0]?.users[0]?.uid, 1_201_100_500);
});

test("keys are accepted as pasted: a comment in any script, a line end, blanks, the host or the comment of a host's key", () => {
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
  const blanks = changed(/- ssh-ed25519 (.*)/, '- "\\uFEFF  ssh-ed25519 \\t$1"').replace(
    /hostKey: (.*)/,
    'hostKey: " [10.20.0.11]:22 $1\\r\\n"',
  );
  assert.deepEqual(siteOf(blanks).hosts[0]?.users[0]?.authorizedKeys, [`ssh-ed25519 ${key} deploy@office`]);
  assert.equal(siteOf(blanks).hosts[0]?.hostKey, siteOf(text).hosts[0]?.hostKey);
});

test("a key that sshd would ignore is refused: one that is not whole, and one of another type", () => {
  assert.match(
    messages(changed("R5cS1Ab deploy@office", "R5cS deploy@office")).join("\n"),
    /^stack\.yaml:\d+:\d+: E_VALUE users\[0\]\.authorizedKeys\[0\]: found: .*incomplete; .*; fix: copy the whole line/,
  );
  assert.match(
    messages(changed(/- ssh-ed25519 (?=.*deploy@office)/, "- ecdsa-sha2-nistp256 ")).join("\n"),
    /found: ecdsa-sha2-nistp256 with data of "ssh-ed25519"/,
  );
});

test("options in front of a key are named as the reason, and ids that belong to nobody are refused", () => {
  for (const options of ['from="10.20.0.0/16"', "restrict,pty"]) {
    const [line = ""] = messages(
      changed(/- ssh-ed25519 (?=.*deploy@office)/, `- '${options} ssh-ed25519 `).replace(
        "deploy@office",
        "deploy@office'",
      ),
    );
    assert.match(line, /E_VALUE .*authorizedKeys\[0\]: .*; fix: remove the options before the key/);
  }
  assert.match(
    messages(changed("uid: 1500", "uid: 65534\n        allowSystemId: true")).join("\n"),
    /E_VALUE .*an id other than 65534/,
  );
});

/** What is said of the user, which sections there are, and the message. */
const mistakes: readonly [what: string, user: string, sections: string, message: RegExp, others?: string][] =
  [
    [
      "a reserved name",
      "locked: false",
      "",
      /E_VALUE users\[1\]\.name: found: "removed"; expected: a name other than directory, group, removed, sshd, unmanaged, /,
      "      - { name: removed, uid: 1600, authorizedKeys: [] }\n",
    ],
    [
      "the name of another fact",
      "locked: false",
      "",
      /E_VALUE users\[1\]\.name: found: "sshd"; expected: a name other than directory, group, removed, sshd, unmanaged, /,
      "      - { name: sshd, uid: 991, allowSystemId: true, docker: false, authorizedKeys: [] }\n",
    ],
    [
      "a day that no calendar has",
      'expires: "2027-02-30"',
      "",
      /:\d+:\d+: E_VALUE users\[0\]\.expires: found: "2027-02-30"; expected: an existing date/,
    ],
    [
      "a date of another form",
      'expires: "31.01.2027"',
      "",
      /E_VALUE users\[0\]\.expires: found: "31\.01\.2027"; expected: a date like 2027-01-31; fix: write it as/,
    ],
    [
      "a wildcard in sudo",
      "sudo: [/usr/bin/systemctl restart *]",
      "",
      /E_VALUE users\[0\]\.sudo\[0\]: found: .*; expected: an absolute path and plain arguments, .*no wildcards/,
    ],
    [
      "sudo in other words",
      "sudo: all",
      "",
      /E_VALUE users\[0\]\.sudo: found: "all"; expected: ALL, or a list of absolute command lines/,
    ],
    [
      "a relative home",
      "home: people/deploy",
      "",
      /E_VALUE users\[0\]\.home: found: "people\/deploy"; expected: an absolute path/,
    ],
    [
      "a group that nobody knows",
      "groups: [apps]",
      groups,
      /E_GROUP_UNKNOWN users\[0\]\.groups\[0\]: found: "apps"; expected: one of app, adm, .*; fix: did you mean "app"\? Otherwise add it to groups with its gid$/,
    ],
    [
      "docker as one of the groups",
      "groups: [docker]",
      "",
      /E_GROUP_UNKNOWN users\[0\]\.groups\[0\]: found: "docker"; .*; fix: remove it: docker: true, the default, puts the user into this group$/,
    ],
    [
      "sudo as one of the groups",
      "groups: [sudo]",
      "",
      /E_GROUP_UNKNOWN .*; fix: remove it and set sudo: ALL/,
    ],
    [
      "a group twice",
      "locked: false",
      `${groups}      - { name: app, gid: 2001 }\n`,
      /E_DUPLICATE groups\[1\]\.name: found: "app"/,
    ],
    [
      "a gid twice",
      "locked: false",
      `${groups}      - { name: web, gid: 2000 }\n`,
      /E_DUPLICATE groups\[1\]\.gid: found: 2000/,
    ],
    [
      "docker among the groups",
      "locked: false",
      "    groups:\n      - { name: docker, gid: 990 }\n",
      /E_VALUE groups\[0\]\.name: found: "docker"; expected: a group other than docker; fix: set its gid in dockerGroup/,
    ],
    [
      "a uid that is a group's gid",
      "locked: false",
      "    groups:\n      - { name: app, gid: 1500 }\n",
      /E_DUPLICATE users\[0\]\.uid: found: 1500; expected: a gid that group app does not have; fix: set gid: 1500 if app should be the primary group/,
    ],
    [
      "a user named like a group",
      "locked: false",
      "    groups:\n      - { name: deploy, gid: 2000 }\n",
      /E_DUPLICATE users\[0\]\.name: found: "deploy"; .*; fix: set gid: 2000, or rename/,
    ],
    [
      "a gid outside the range",
      "gid: 700",
      "",
      /E_UID_RANGE users\[0\]\.gid: found: 700; expected: 1000 to 59999, or the gid of one of the site's groups/,
    ],
    [
      "one gid for two users",
      "gid: 1600",
      "",
      /E_DUPLICATE users\[1\]\.uid: found: 1600; expected: a gid other than that of users\[0\]/,
      "      - { name: other, uid: 1600, authorizedKeys: [] }\n",
    ],
    [
      "the docker group's gid again",
      "locked: false",
      "    dockerGroup: { gid: 1500 }\n",
      /E_DUPLICATE dockerGroup\.gid: found: 1500; expected: a gid that deploy does not have/,
    ],
    [
      "unmanaged members in other words",
      "locked: false",
      "    dockerGroup: { unmanagedMembers: delete }\n",
      /E_VALUE dockerGroup\.unmanagedMembers: found: "delete"; expected: one of report, remove/,
    ],
  ];

for (const [what, user, sections, message, others] of mistakes) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const lines = messages(site(user, sections, others));
    assert.ok(
      lines.some((line) => message.test(line)),
      lines.join("\n") || "it was accepted",
    );
  });
}

test("what all hosts inherit is reported once", () => {
  assert.equal(messages(site("groups: [apps]", groups)).length, 1);
});

test("the SSH user of the operator is not locked out", () => {
  const ops = (more: string): string =>
    site("docker: true").replace(/name: deploy/, `name: ops\n        ${more}`);
  assert.match(
    messages(ops("locked: true")).join(),
    /E_VALUE users\[0\]\.locked: found: true; expected: access for ops, the SSH user of node-a/,
  );
  assert.match(
    messages(ops("sudo: [/usr/bin/id]")).join(),
    /E_VALUE users\[0\]\.sudo: found: a list of commands; expected: ALL for ops/,
  );
  const bare = ops("home: /home/ops").replace(/authorizedKeys:\n.*\n/, "authorizedKeys: []\n");
  assert.match(
    messages(bare).join(),
    /E_VALUE users\[0\]\.authorizedKeys: found: no key; expected: access for ops/,
  );
  assert.deepEqual(
    messages(bare.replace("authorizedKeys: []", "authorizedKeys: []\n        authorizedKeysMode: additive")),
    [],
  );
});
