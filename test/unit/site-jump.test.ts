import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionOf } from "../../modules/core/connection.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { doorway } from "../../modules/core/rules/hosts.ts";
import { changed, problemsOf, siteOf } from "../support/site-text.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz0sCJ4Oz1EpoWEGl3sr0MsZkLr5VxyaXsH0yFwl0aA";
const withJump = (jump: string): string => changed(/\n {4}hosts:\n/, `\n    jump: ${jump}\n    hosts:\n`);
const whole = `{ address: 10.20.0.2, login: jump, hostKey: ${key} }`;

test("a jump of the site is every host's, with sshd's usual port", () => {
  const jumps = siteOf(withJump(whole)).hosts.map(({ jump }) => jump);
  const jump = { port: 22, address: "10.20.0.2", login: "jump", hostKey: key };
  assert.deepEqual(jumps, [jump, jump]);
});

test("a host's own words go over it key by key", () => {
  const text = withJump(whole).replace("name: node-b\n", "name: node-b\n        jump: { port: 2222 }\n");
  assert.deepEqual(
    siteOf(text).hosts.map(({ jump }) => jump?.port),
    [22, 2222],
  );
});

test("a host that is the jump host itself is reached directly", () => {
  const [a, b] = siteOf(withJump(whole.replace("10.20.0.2", "10.20.0.11"))).hosts;
  assert.ok(a && b);
  assert.equal("jump" in a, false);
  assert.equal(b.jump?.address, "10.20.0.11");
});

test("what a jump lacks is told for each host that it is the way to, at once", () => {
  const told = problemsOf(withJump("{ address: 10.20.0.2 }")).map(
    ({ code, subject }) => `${code} ${subject}`,
  );
  assert.deepEqual(told, [
    "E_KEY_MISSING hosts[0].jump.login",
    "E_KEY_MISSING hosts[0].jump.hostKey",
    "E_KEY_MISSING hosts[1].jump.login",
    "E_KEY_MISSING hosts[1].jump.hostKey",
  ]);
});

for (const [what, jump, expected] of [
  [
    "Pulumi's word for the login",
    `{ address: 10.20.0.2, user: ops, hostKey: ${key} }`,
    /E_KEY_REFUSED jump\.user: .*write login:$/,
  ],
  [
    "a key that sshd does not offer any more",
    "{ address: 10.20.0.2, login: ops, hostKey: ssh-rsa AAAA }",
    /E_VALUE jump\.hostKey: /,
  ],
  ["a URL", `{ address: "ssh://10.20.0.2", login: ops, hostKey: ${key} }`, /E_VALUE jump\.address: /],
] as const)
  test(`${what} is refused at its place`, () => {
    const [problem] = problemsOf(withJump(jump));
    assert.ok(problem);
    assert.match(formatProblem(problem), expected);
    assert.match(problem.where, /^stack\.yaml:\d+:\d+$/);
  });

test("one private address behind two jump hosts is two machines", () => {
  const host = { address: "10.0.0.5", port: 22 };
  const behind = (address: string): string =>
    doorway({ ...host, jump: { address, port: 22, login: "a", hostKey: key } });
  assert.notEqual(behind("192.0.2.1"), behind("192.0.2.2"));
  assert.notEqual(behind("192.0.2.1"), doorway(host));
  const same = withJump(whole).replace("address: 10.20.0.12", "address: 10.20.0.11");
  assert.deepEqual(
    problemsOf(same).map(({ code }) => code),
    ["E_DUPLICATE"],
  );
  assert.deepEqual(
    problemsOf(same.replace("name: node-b\n", "name: node-b\n        jump: { port: 2222 }\n")),
    [],
  );
});

test("commands and copies go the same way, with both keys pinned and no key of the operator's", () => {
  const [host] = siteOf(withJump(whole)).hosts;
  assert.ok(host);
  assert.deepEqual(connectionOf(host), {
    host: "10.20.0.11",
    port: 22,
    user: host.login,
    hostKey: host.hostKey,
    dialErrorLimit: 10,
    perDialTimeout: 15,
    proxy: {
      host: "10.20.0.2",
      port: 22,
      user: "jump",
      hostKey: key,
      dialErrorLimit: 10,
      perDialTimeout: 15,
    },
  });
});
