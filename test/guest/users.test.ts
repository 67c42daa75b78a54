import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";

/** The shell of users, one function after the other: absent, right, wrong; apply; check. */
let on: ShellFunctions;
before(async () => {
  on = await startFunctions("users");
});
after(() => on.end());

test("group", async () => {
  assert.deepEqual(await on.call("check_group", "docker"), { exitCode: 1, output: "no such group" });
  assert.equal((await on.call("apply_group", "docker")).exitCode, 0);
  assert.equal((await on.call("check_group", "docker")).exitCode, 0);
});

test("a plan, applied twice", async () => {
  const step = {
    code: "users.group",
    fact: "group docker exists",
    effect: "none",
    call: ["group", "docker"],
  } as const;
  assert.deepEqual(
    (await on.run("apply", [step])).steps.map(({ status }) => status),
    ["ok"],
  );
});
