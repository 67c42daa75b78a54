import assert from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { applyCommand, applyInput } from "../../modules/core/host/host-command.ts";
import { quote } from "../../modules/core/quote.ts";
import { planText, type Step } from "../../modules/core/host/step.ts";
import { sshArguments } from "../lab/ssh.ts";
import { container } from "../lab/machine-choice.ts";
import { library } from "../support/fixtures/example-host.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

/** An apply as a Command starts it, on a guest: disconnected, attached to again, killed, incomplete. */
const pairs = `
SEALIFT_LOCK_WAIT_SEC=3
check_line() { grep -qxF "$1" /run/lines 2>/dev/null; }
apply_line() { while [ -e /run/hold ]; do sleep 0.2; done; echo "$1" >>/run/lines; }
`;
const entrypoint = readFileSync("modules/core/host/entrypoint.sh", "utf8");
assert.ok(library.text.endsWith(entrypoint), "the entrypoint is no longer the end of the library");
const text = library.text.slice(0, -entrypoint.length) + pairs + entrypoint;
const sha256 = createHash("sha256").update(text).digest("hex");
const launch = applyCommand("node-a", "t", "1 of 1 facts do not hold, in run 5f3a9c21");

let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("apart", container());
  undo(() => on.end());
  await on.guest.exec(`mkdir -p .sealift && cat >.sealift/${sha256}.sh`, { input: text });
});

const line = (words: string): Step => ({
  code: `t.${words}`,
  fact: `${words} is a line`,
  effect: "none",
  call: ["line", words],
});
const plan = (...words: string[]): string =>
  planText("node-a", { name: "t", steps: words.map(line) }, { serial: 7 });
const apply = (input: string): ReturnType<typeof on.guest.exec> =>
  on.guest.exec(launch, { input: applyInput(sha256, input) });
/** The same over a connection that the test can cut. */
function start(input: string): ChildProcessByStdio<Writable, null, null> {
  const child = spawn("ssh", [...sshArguments(on.guest.ssh), "--", launch], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.end(applyInput(sha256, input));
  return child;
}
const lines = async (): Promise<string[]> => (await on.root("cat /run/lines")).trim().split("\n");
/** Until the unit of an apply works. An apply that ends before that is the failure, with what it printed. */
async function untilRunning(apply: Promise<unknown>): Promise<void> {
  const unit = "systemctl --plain --no-legend list-units 'sealift-*' | grep -q running";
  let ended: unknown;
  void apply.then((result) => (ended = result));
  while ((await on.guest.exec(`sudo -n sh -c ${quote(unit)}`)).exitCode !== 0) {
    assert.equal(ended, undefined, "the apply ended before its unit was seen");
    await sleep(100);
  }
}

test("a library with one changed byte is not run and is removed, so that the next run copies it again", async () => {
  const held = `.sealift/${sha256}.sh`;
  await on.guest.exec(
    `cp ${held} .sealift/right && sed -i '1s/^# /#_/' ${held} && ! cmp -s ${held} .sealift/right`,
  );
  const { exitCode, stdout } = await apply(plan("other"));
  assert.deepEqual([exitCode, stdout], [66, "E_LIBRARY_CHECKSUM run pulumi up again\n"]);
  assert.equal((await on.guest.exec(`test -e ${held} || test -e /run/lines`)).exitCode, 1);
  const missed = await on.call("check_delivered", "1", `/home/ops/${held}`);
  assert.deepEqual(missed, { exitCode: 1, output: "absent, and a phase needs it" });
  await on.guest.exec(`mv .sealift/right ${held}`);
});

test("an incomplete plan is not started", async () => {
  const input = applyInput(sha256, plan("part"));
  const part = input.slice(0, input.lastIndexOf("part"));
  const { exitCode, stdout } = await on.guest.exec(launch, { input: part });
  assert.equal(exitCode, 66);
  assert.match(stdout, /^E_PLAN_TRUNCATED the plan ends before its last line; fix: run pulumi up again$/m);
  assert.equal((await on.guest.exec("test -e /run/lines")).exitCode, 1);
});

test("a broken connection neither ends the run nor runs it twice", async () => {
  await on.root("touch /run/hold");
  const cut = start(plan("one", "two"));
  await untilRunning(once(cut, "exit"));
  cut.kill("SIGKILL");
  // Who comes again while it works is attached to it, and gets its report.
  const again = apply(plan("one", "two"));
  await on.root("rm /run/hold");
  const { exitCode, stdout } = await again;
  assert.equal(exitCode, 0, stdout);
  assert.deepEqual(await lines(), ["one", "two"]);
  assert.match(stdout, /^(changed|ok)\tt\.one\t/m);
  assert.match((await apply(plan("one", "two"))).stdout, /^ok\tt\.one\t.*\nok\tt\.two\t/m);
  assert.deepEqual(await lines(), ["one", "two"]);
});

test("a run killed on the host is reported, and the next run continues where it stopped", async () => {
  await on.root("touch /run/hold");
  const lost = apply(plan("one", "three"));
  await untilRunning(lost);
  await on.root("systemctl kill --signal=KILL 'sealift-*.service'");
  const { exitCode, stdout } = await lost;
  assert.equal(exitCode, 70);
  assert.match(stdout, /^E_RUN_LOST the run on the host ended without a result; fix: run pulumi up again/m);
  await on.root("rm /run/hold");
  assert.equal((await apply(plan("one", "three"))).exitCode, 0);
  assert.deepEqual(await lines(), ["one", "two", "three"]);
});

test("a second operator waits, then learns who holds the lock and since when", async () => {
  await on.root("touch /run/hold");
  const first = apply(plan("four"));
  await untilRunning(first);
  const { exitCode, stdout } = await apply(plan("five"));
  assert.equal(exitCode, 75, stdout);
  assert.match(
    stdout,
    /^E_HOST_LOCKED another run is changing this host: (\S+ as )?login ops from [\d.]+ since \d{4}-.*Z; fix: wait for it/m,
  );
  await on.root("rm /run/hold");
  assert.equal((await first).exitCode, 0);
  assert.equal((await apply(plan("five"))).exitCode, 0);
});

test("no plan is left behind: it may contain a secret", async () => {
  assert.equal(await on.root("find /run/sealift -name plan; stat -c %a /run/sealift/apply"), "700\n");
});
