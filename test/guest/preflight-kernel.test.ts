import assert from "node:assert/strict";
import { before, test } from "node:test";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { vm } from "../lab/machine-choice.ts";
import { testBreakages } from "../support/fixtures/breakage-tests.ts";
import { exampleArchive, exampleHost } from "../support/fixtures/example-host.ts";
import { breakages } from "../support/fixtures/preflight-breakages.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

/** All checks of preflight on a pristine guest, and those of its kernel on the same guest, broken manually. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("preflight-kernel", vm("kernel"));
  undo(() => on.end());
});

const now = (): number => Math.floor(Date.now() / 1000);
const modules = (): Promise<string> => on.root("cut -d ' ' -f 1 /proc/modules | sort");

test("a pristine guest passes except for what the lab's image lacks; a probe loads no module", async () => {
  const host = exampleHost();
  const before = await modules();
  const { steps, revision, text } = await on.run("check", preflightSteps(host, exampleArchive, now()));
  assert.notEqual(revision, undefined, text);
  const reported = steps
    // The lab sets a guest's clock over ssh: on a busy machine it is seconds late.
    .filter(({ code, status }) => status !== "ok" && code !== "preflight.clock-near")
    .map(({ code, found }) => `${code}: ${found}`);
  assert.deepEqual(reported, [
    "preflight.apparmor: AppArmor is enabled but /sbin/apparmor_parser is missing, so containers run without their profile",
    "preflight.resolver: /etc/resolv.conf has no name server",
  ]);
  assert.equal(await modules(), before);
});

testBreakages(
  breakages.filter(({ kernel }) => kernel === true),
  () => on,
);

test("what cannot be broken manually is checked with another size", async () => {
  assert.equal((await on.call("check_memory", "900")).exitCode, 0);
  assert.match((await on.call("check_memory", "90000")).output, /^14\d\d MiB$/);
  assert.equal((await on.call("check_cgroup", "cpu", "cpuset", "io", "memory", "pids")).exitCode, 0);
  assert.equal((await on.call("check_cgroup", "cpu", "none")).output, "cgroup v2 lacks the controllers none");
});

test("the parser of AppArmor, once it is installed", async () => {
  await on.root("ln -s /bin/true /sbin/apparmor_parser");
  assert.deepEqual(await on.call("check_apparmor"), { exitCode: 0, output: "AppArmor is enabled" });
});
