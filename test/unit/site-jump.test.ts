import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionOf } from "../../modules/core/host/connection.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { endpointKey } from "../../modules/core/site/rules/hosts.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz0sCJ4Oz1EpoWEGl3sr0MsZkLr5VxyaXsH0yFwl0aA";
const withJump = (jump: string): string => changed(/\n {4}hosts:\n/, `\n    jumpHost: ${jump}\n    hosts:\n`);
const complete = `{ address: 10.20.0.2, sshUser: jump, hostKey: ${key} }`;

test("a jump host of the site applies to every host, with the usual ssh port", () => {
  const jumps = siteOf(withJump(complete)).hosts.map(({ jumpHost }) => jumpHost);
  const jump = { port: 22, address: "10.20.0.2", sshUser: "jump", hostKey: key };
  assert.deepEqual(jumps, [jump, jump]);
});

test("a host's keys override it one by one", () => {
  const text = withJump(complete).replace(
    "name: node-b\n",
    "name: node-b\n        jumpHost: { port: 2222 }\n",
  );
  assert.deepEqual(
    siteOf(text).hosts.map(({ jumpHost }) => jumpHost?.port),
    [22, 2222],
  );
});

test("a host that is the jump host itself is reached directly", () => {
  const [a, b] = siteOf(withJump(complete.replace("10.20.0.2", "10.20.0.11"))).hosts;
  assert.ok(a && b);
  assert.equal("jumpHost" in a, false);
  assert.equal(b.jumpHost?.address, "10.20.0.11");
});

test("missing keys of a jump host are reported for each host behind it, at once", () => {
  const reported = problemsOf(withJump("{ address: 10.20.0.2 }")).map(
    ({ code, subject }) => `${code} ${subject}`,
  );
  assert.deepEqual(reported, [
    "E_KEY_MISSING hosts[0].jumpHost.sshUser",
    "E_KEY_MISSING hosts[0].jumpHost.hostKey",
    "E_KEY_MISSING hosts[1].jumpHost.sshUser",
    "E_KEY_MISSING hosts[1].jumpHost.hostKey",
  ]);
});

for (const [what, jump, expected] of [
  [
    "Pulumi's word for the login",
    `{ address: 10.20.0.2, user: ops, hostKey: ${key} }`,
    /E_KEY_REFUSED jumpHost\.user: .*write sshUser:$/,
  ],
  [
    "a key that sshd does not offer any more",
    "{ address: 10.20.0.2, sshUser: ops, hostKey: ssh-rsa AAAA }",
    /E_VALUE jumpHost\.hostKey: /,
  ],
  ["a URL", `{ address: "ssh://10.20.0.2", sshUser: ops, hostKey: ${key} }`, /E_VALUE jumpHost\.address: /],
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
    endpointKey({ ...host, jumpHost: { address, port: 22, sshUser: "a", hostKey: key } });
  assert.notEqual(behind("192.0.2.1"), behind("192.0.2.2"));
  assert.notEqual(behind("192.0.2.1"), endpointKey(host));
  const same = withJump(complete).replace("address: 10.20.0.12", "address: 10.20.0.11");
  assert.deepEqual(
    problemsOf(same).map(({ code }) => code),
    ["E_DUPLICATE"],
  );
  assert.deepEqual(
    problemsOf(same.replace("name: node-b\n", "name: node-b\n        jumpHost: { port: 2222 }\n")),
    [],
  );
});

test("commands and copies use the same path, with both keys pinned and no key of the operator", () => {
  const [host] = siteOf(withJump(complete)).hosts;
  assert.ok(host);
  assert.deepEqual(connectionOf(host), {
    host: "10.20.0.11",
    port: 22,
    user: host.sshUser,
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
