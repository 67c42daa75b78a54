import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { planText } from "../../modules/core/host/step.ts";
import { library } from "../support/fixtures/example-host.ts";
import { accountSteps } from "../../modules/users/steps.ts";
import { sudoRule } from "../../modules/users/sudo-rule.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab deploy@office";

/** All keys of users and groups. */
const steps = accountSteps({
  groups: [
    { name: "app", gid: 2000 },
    { name: "web", gid: 2001 },
  ],
  dockerGroup: { gid: 990, unmanagedMembers: "remove" },
  users: [
    { name: "deploy", uid: 1500, authorizedKeys: [key], sudo: "ALL", expires: "2027-01-31" },
    {
      ...{
        name: "batch",
        uid: 1600,
        gid: 2000,
        home: "/svc/home/batch",
        shell: "/bin/sh",
        groups: ["web", "adm"],
      },
      ...{
        authorizedKeys: [],
        authorizedKeysMode: "additive",
        docker: false,
        sudo: ["/usr/bin/systemctl restart app.service"],
      },
    },
    { name: "away", uid: 1700, authorizedKeys: [key], passwordHash: "$6$salt$hash", locked: true },
  ],
});

test("plan text of all keys of users and groups", () => {
  const text = planText("node-a", { name: "users", steps }, { serial: 7 });
  const file = new URL("plan-users-everything.txt", import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
});

test("only the step with a hash is secret; its fact does not contain the hash", () => {
  assert.deepEqual(
    steps.filter(({ secret }) => secret === true).map(({ code }) => code),
    ["users.away.password"],
  );
  for (const { fact } of steps) assert.doesNotMatch(fact, /\$6\$/);
});

test("every step calls a pair of functions of the library", () => {
  for (const { call } of steps)
    for (const kind of ["check", "apply"])
      assert.match(library.text, new RegExp(`^${kind}_${call[0]}\\(\\) \\{$`, "m"));
});

test("characters with a meaning in sudoers are escaped", () => {
  const sudo = ["/usr/bin/mount -o remount,rw /svc", "/usr/bin/env A=b:c", '/usr/bin/id ""'];
  assert.equal(
    sudoRule({ name: "x", sudo }),
    String.raw`x ALL=(root) NOPASSWD: /usr/bin/mount -o remount\,rw /svc, /usr/bin/env A\=b\:c, /usr/bin/id ""`,
  );
  assert.equal(sudoRule({ name: "x" }), undefined);
});
